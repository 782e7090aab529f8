// tries: to send to all hosts of the local network
// works: SO_BROADCAST is all it takes
// see: MITRE ATT&CK T1095; socket(7)
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("10.77.0.255", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_DGRAM, 0)), one = 1;

	MUST(setsockopt(s, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)));
	return MUST(sendto(s, env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
