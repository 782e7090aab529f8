// tries: to send to an IPv4 address, as such, from an IPv6 socket
// works: UDP over IPv6 takes AF_INET addresses and passes them on
// see: net/ipv6/udp.c udpv6_sendmsg
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));

	return MUST(sendto(MUST(socket(AF_INET6, SOCK_DGRAM, 0)), env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
