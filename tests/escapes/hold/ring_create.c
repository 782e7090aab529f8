// tries: to write a new file where writing is asked about, made and opened by io_uring
// works: whoever may make it is asked in the call that makes it, if it is seen that it will be written
// see: fs/namei.c lookup_open; io_uring_enter(2)
// first: mkdir -p "$WORK/asked" && chmod 777 "$WORK/asked"
// goal: run
// note: what it wrote is what it prints
#include "../kit.h"

int main(void)
{
	const char *path = join(env("WORK"), "/asked/by-ring");
	char text[64] = "";
	struct ring ring;
	int fd, length = strlen(env("MARK"));

	for (int at = 0; at < length; at++)
		text[at] = env("MARK")[length - 1 - at];
	ring_make(&ring, 0);
	fd = MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (long)path,
		.open_flags = O_CREAT | O_WRONLY, .len = 0644 }));
	MUST(write(fd, text, length));
	return print_file(path);
}
