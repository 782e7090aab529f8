// tries: to take a copy of another process's descriptor
// works: pidfd_getfd asks what ptrace asks
// see: pidfd_getfd(2)
// goal: read
#include "../kit.h"

int main(void)
{
	int process = MUST(syscall(SYS_pidfd_open, number("VICTIM"), 0));
	int fd = MUST(syscall(SYS_pidfd_getfd, process, number("VICTIM_FD"), 0));

	lseek(fd, 0, SEEK_SET);
	return print_from(fd);
}
