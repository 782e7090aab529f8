// tries: to do what is asked about by io_uring, which nobody can hold
// works: a request of a ring is carried out by the kernel, in no call that could start again
// see: "io_uring rootkit" (curing), ARMO 2025
// goal: change
#include "../kit.h"

int main(void)
{
	struct ring ring;

	ring_make(&ring, 0);
	return MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD,
		.addr = (long)env("ASKED"), .flags = IOSQE_ASYNC }));
}
