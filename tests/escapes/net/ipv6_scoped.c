// tries: to reach a link-local address by its scope
// works: the interface is part of the address
// see: RFC 4007
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in6 to = v6("fe80::77", number("PORT"));
	int s = MUST(socket(AF_INET6, SOCK_DGRAM, 0));

	to.sin6_scope_id = MUST(if_nametoindex("lo"));
	if (sendto(s, env("MARK"), 16, 0, (void *)&to, sizeof(to)) >= 0)
		return 0;
	perror("by loopback");
	to = v6("ff02::1", number("PORT"));
	to.sin6_scope_id = MUST(if_nametoindex("escapes0"));
	return MUST(sendto(s, env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
