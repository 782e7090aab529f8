// tries: to send out of an interface of its own choice, past the routes
// works: SO_BINDTODEVICE is open to all since Linux 5.7
// see: socket(7) SO_BINDTODEVICE; CVE-2024-3661 (TunnelVision)
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("OPEN_PORT"));
	int s = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	MUST(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "escapes0", 9));
	to = v4("10.77.0.9", 9);
	return MUST(sendto(s, env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
