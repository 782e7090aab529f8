// tries: to connect and send by io_uring
// works: IORING_OP_CONNECT is no connect(2)
// see: "io_uring rootkit" (curing), ARMO 2025
// goal: reach
#include "../kit.h"

int main(void)
{
	struct ring ring;
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0));

	ring_make(&ring, 0);
	MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_CONNECT, .fd = s, .addr = (long)&to,
		.off = sizeof(to) }));
	return MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_SEND, .fd = s, .addr = (long)env("MARK"),
		.len = 16 })) < 0;
}
