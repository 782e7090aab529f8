// tries: to open into a registered slot, so that no descriptor ever exists, and read from there
// works: fixed files live in the ring alone
// see: io_uring_enter(2), "direct descriptors"
// goal: read
#include "../kit.h"

int main(void)
{
	struct ring ring;
	int none[2] = { -1, -1 };
	char bytes[100] = "";

	ring_make(&ring, 0);
	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, none, 2));
	MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
		.addr = (long)env("SECRET"), .open_flags = O_RDONLY, .file_index = 1 }));
	MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = 0, .addr = (long)bytes, .len = 99,
		.flags = IOSQE_FIXED_FILE }));
	return puts(bytes) < 0;
}
