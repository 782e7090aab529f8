// tries: to use the ring from a child after a fork
// works: the ring's workers belong to whoever made it
// see: io_uring(7); CVE-2022-29582
// goal: read
#include "../kit.h"

int main(void)
{
	struct ring ring;

	ring_make(&ring, 0);
	if (!fork()) {
		print_from(MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
			.addr = (long)env("SECRET"), .open_flags = O_RDONLY, .flags = IOSQE_ASYNC })));
		_exit(0);
	}
	wait(NULL);
	return 0;
}
