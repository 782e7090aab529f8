// tries: to hand out data in an echo request, by a ping socket
// works: ping sockets are for every user in ping_group_range
// see: MITRE ATT&CK T1095; ICMP tunnels
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", 0);
	char packet[24] = { 8 };

	memcpy(packet + 8, env("MARK"), 16);
	return MUST(sendto(MUST(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)), packet, 24, 0, (void *)&to, sizeof(to))) < 0;
}
