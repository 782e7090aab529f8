// tries: the same over a SOCK_SEQPACKET socket
// works: it is a third kind
// see: unix(7)
// goal: change
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	socklen_t length = local(&to, join(env("SOCKETS"), "/packets.sock"));
	int s = MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));

	MUST(connect(s, (void *)&to, length));
	return MUST(write(s, order(), strlen(order()))) < 0;
}
