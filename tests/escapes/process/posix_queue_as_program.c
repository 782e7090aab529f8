// tries: to take a message from another's POSIX queue, opened with the mark of a program that is to start
// works: mq_open(2) hands its flags on as they are, and 0x20 is the kernel's own mark for an exec
// see: include/linux/fs.h __FMODE_EXEC; ipc/mqueue.c do_mq_open
// goal: read
#include "../kit.h"

int main(void)
{
	char bytes[8193] = "";
	int queue = MUST(syscall(SYS_mq_open, join("escapes-", env("WORKER")), O_RDONLY | O_NONBLOCK | 0x20, 0, NULL));

	MUST(mq_receive(queue, bytes, 8192, NULL));
	return puts(bytes) < 0;
}
