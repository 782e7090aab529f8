// tries: to send to the allowed server with a route in the socket's options that goes elsewhere first
// works: a packet with a source route goes to its first hop, whatever address sendto(2) names
// see: RFC 791; ip(7) IP_OPTIONS; net/ipv4/ip_output.c __ip_queue_xmit
// user: root
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("OPEN_PORT"));
	unsigned char route[8] = { 1, 131, 7, 4, 10, 77, 0, 9 };
	int s = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	MUST(setsockopt(s, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)));
	return MUST(sendto(s, env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
