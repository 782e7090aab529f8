// tries: to send a datagram by io_uring's sendmsg
// works: as above
// see: io_uring_enter(2) IORING_OP_SENDMSG
// goal: reach
#include "../kit.h"

int main(void)
{
	struct ring ring;
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));
	struct iovec part = { (char *)env("MARK"), 16 };
	struct msghdr message = { &to, sizeof(to), &part, 1 };

	ring_make(&ring, 0);
	return MUST(ring_do(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_SENDMSG,
		.fd = MUST(socket(AF_INET, SOCK_DGRAM, 0)), .addr = (long)&message, .len = 1, .flags = IOSQE_ASYNC })) < 0;
}
