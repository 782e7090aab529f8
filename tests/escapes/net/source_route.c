// tries: to send to the allowed address with a route in the packet's options that ends elsewhere
// works: a loose source route names further hops
// see: RFC 791; ip(7) IP_OPTIONS
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("10.77.0.9", number("PORT"));
	unsigned char route[8] = { 1, 131, 7, 4, 10, 77, 0, 1 };
	int s = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	if (setsockopt(s, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)))
		perror("IP_OPTIONS");
	return MUST(sendto(s, told("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
