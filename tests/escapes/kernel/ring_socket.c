// tries: to make a socket of an odd family by io_uring
// works: IORING_OP_SOCKET is no socket(2)
// see: io_uring_enter(2), since Linux 5.19
// goal: hold socket:38
// needs: modprobe algif_hash
#include "../kit.h"

int main(void)
{
	struct ring ring;

	ring_make(&ring, 0);
	MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_SOCKET, .fd = AF_ALG, .off = SOCK_SEQPACKET }));
	return holding();
}
