// tries: to set an extended attribute by io_uring
// works: IORING_OP_SETXATTR is no setxattr(2)
// see: io_uring_enter(2), since Linux 5.19
// goal: change
#include "../kit.h"

int main(void)
{
	struct ring ring;

	ring_make(&ring, 0);
	return MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_SETXATTR, .addr = (long)"user.mark",
		.off = (long)"x", .addr3 = (long)env("TARGET"), .len = 1 }));
}
