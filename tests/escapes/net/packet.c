// tries: to put frames on the wire
// works: packet sockets go past all of IP
// see: packet(7); CVE-2020-14386
// goal: reach
// user: root
#include "../kit.h"

int main(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(0x88b5), .sll_halen = 6 };

	to.sll_ifindex = MUST(if_nametoindex("escapes0"));
	memset(to.sll_addr, 255, 6);
	return MUST(sendto(MUST(socket(AF_PACKET, SOCK_DGRAM, 0)), env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
