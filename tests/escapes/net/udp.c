// tries: to send a datagram to anywhere
// works: UDP needs no connection
// see: MITRE ATT&CK T1048.003
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));

	return MUST(sendto(MUST(socket(AF_INET, SOCK_DGRAM, 0)), env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
