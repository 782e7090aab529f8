// tries: the same by one datagram, without connecting
// works: sendto names the receiver
// see: unix(7); CVE-2011-1021's kin; systemd's notify socket
// goal: change
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	socklen_t length = local(&to, join(env("SOCKETS"), "/datagram.sock"));

	return MUST(sendto(MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), order(), strlen(order()), 0, (void *)&to, length)) < 0;
}
