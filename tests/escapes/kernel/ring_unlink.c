// tries: to remove a file by io_uring
// works: IORING_OP_UNLINKAT is no unlink(2)
// see: "io_uring rootkit" (curing), ARMO 2025
// goal: change
#include "../kit.h"

int main(void)
{
	struct ring ring;

	ring_make(&ring, 0);
	return MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD,
		.addr = (long)env("TARGET") }));
}
