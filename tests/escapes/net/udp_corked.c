// tries: to gather a datagram piece by piece with MSG_MORE, and change the address at the last
// works: what is corked goes to one address, but which
// see: udp(7) UDP_CORK
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in good = v4("127.0.0.1", number("OPEN_PORT")), bad = v4("127.0.0.1", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	if (sendto(s, env("MARK"), 16, MSG_MORE, (void *)&bad, sizeof(bad)) < 0)
		perror("sendto");
	return MUST(sendto(s, "x", 1, 0, (void *)&good, sizeof(good))) < 0;
}
