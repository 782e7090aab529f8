// tries: to have the ring act with credentials noted before they were dropped
// works: IORING_REGISTER_PERSONALITY keeps them
// see: io_uring_register(2); CVE-2021-41073's kin
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	struct ring ring;
	int person;

	ring_make(&ring, 0);
	person = MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PERSONALITY, NULL, 0));
	MUST(setresuid(1001, 1001, 1001));
	return print_from(MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
		.addr = (long)env("SECRET"), .open_flags = O_RDONLY, .personality = person })));
}
