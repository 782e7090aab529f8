// tries: to send to a group on the local network
// works: nobody is connected to
// see: MITRE ATT&CK T1557.001 (mDNS, LLMNR)
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("224.0.0.251", 5353);
	struct ip_mreqn by = { .imr_ifindex = if_nametoindex("escapes0") };
	int s = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	MUST(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)));
	return MUST(sendto(s, env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
