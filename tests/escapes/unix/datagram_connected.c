// tries: the same over a connected datagram socket
// works: connect first and write then is another way through the kernel
// see: unix(7)
// goal: change
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	socklen_t length = local(&to, join(env("SOCKETS"), "/datagram.sock"));
	int s = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));

	MUST(connect(s, (void *)&to, length));
	return MUST(write(s, order(), strlen(order()))) < 0;
}
