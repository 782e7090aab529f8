// tries: to link the secret into the workspace by io_uring, in a worker
// works: IORING_OP_LINKAT is no link(2)
// see: io_uring_enter(2)
// goal: read
#include "../kit.h"

int main(void)
{
	struct ring ring;
	const char *to = join(env("WORK"), "/hard");

	ring_make(&ring, 0);
	MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_LINKAT, .fd = AT_FDCWD,
		.addr = (long)env("SECRET"), .len = AT_FDCWD, .addr2 = (long)to, .flags = IOSQE_ASYNC }));
	return print_file(to);
}
