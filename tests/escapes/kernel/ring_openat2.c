// tries: the same by its openat2, handed to a worker thread
// works: workers are threads of the kernel's making
// see: io_uring(7) IOSQE_ASYNC
// goal: read
#include "../kit.h"

int main(void)
{
	struct ring ring;
	struct open_how how = { .flags = O_RDONLY };

	ring_make(&ring, 0);
	return print_from(MUST(ring_do(&ring, (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT2, .fd = AT_FDCWD, .addr = (long)env("SECRET"), .len = sizeof(how),
		.off = (long)&how, .flags = IOSQE_ASYNC })));
}
