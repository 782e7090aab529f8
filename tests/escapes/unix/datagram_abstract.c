// tries: the same to an abstract name
// works: abstract names know no permissions
// see: unix(7); CVE-2020-15257
// goal: change
#include "../kit.h"

int main(void)
{
	char name[64];
	struct sockaddr_un to;
	socklen_t length;

	snprintf(name, sizeof(name), "@escapes-%s-datagram", env("WORKER"));
	length = local(&to, name);
	return MUST(sendto(MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), order(), strlen(order()), 0, (void *)&to, length)) < 0;
}
