// tries: to send to an IPv4 address that is written with the family AF_UNSPEC
// works: UDP takes AF_UNSPEC for AF_INET, for old programs' sake
// see: net/ipv4/udp.c; Landlock, commit "Fix non-TCP sockets"
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));

	to.sin_family = AF_UNSPEC;
	return MUST(sendto(MUST(socket(AF_INET, SOCK_DGRAM, 0)), env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
