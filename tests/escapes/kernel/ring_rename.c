// tries: to move the secret into the workspace by io_uring
// works: IORING_OP_RENAMEAT is no rename(2)
// see: io_uring_enter(2)
// goal: read
#include "../kit.h"

int main(void)
{
	struct ring ring;
	const char *to = join(env("WORK"), "/moved");

	ring_make(&ring, 0);
	MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_RENAMEAT, .fd = AT_FDCWD,
		.addr = (long)env("SECRET"), .len = AT_FDCWD, .addr2 = (long)to }));
	return print_file(to);
}
