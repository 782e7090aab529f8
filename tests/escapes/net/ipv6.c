// tries: to go by IPv6
// works: rules for IPv4 do not speak of it
// see: MITRE ATT&CK T1048; many firewalls
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in6 to = v6("::1", number("PORT"));
	int s = MUST(socket(AF_INET6, SOCK_STREAM, 0));

	MUST(connect(s, (void *)&to, sizeof(to)));
	return mark(s);
}
