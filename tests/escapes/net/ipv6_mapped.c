// tries: to reach an IPv4 server by an IPv4-mapped address
// works: ::ffff:127.0.0.1 is IPv4 behind an IPv6 socket
// see: RFC 4291 2.5.5.2; CVE-2021-29418 and kin
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in6 to = v6("::ffff:127.0.0.1", number("PORT"));
	int s = MUST(socket(AF_INET6, SOCK_STREAM, 0));

	MUST(connect(s, (void *)&to, sizeof(to)));
	return mark(s);
}
