// tries: to open the secret by io_uring
// works: no system call names the file, so filters of system calls see nothing
// see: "io_uring rootkit" (curing), ARMO 2025: blind spots of eBPF tools on system calls
// goal: read
#include "../kit.h"

int main(void)
{
	struct ring ring;

	ring_make(&ring, 0);
	return print_from(MUST(ring_do(&ring, (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (long)env("SECRET"), .open_flags = O_RDONLY })));
}
