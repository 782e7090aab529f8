// tries: the same by TCP_FASTOPEN_CONNECT and a message with an address
// works: connect only notes the address then
// see: tcp(7) TCP_FASTOPEN_CONNECT
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1;

	MUST(setsockopt(s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)));
	MUST(connect(s, (void *)&to, sizeof(to)));
	mark(s);
	usleep(100000);
	return 0;
}
