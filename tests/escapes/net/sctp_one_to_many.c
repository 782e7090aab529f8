// tries: the same with a socket that needs no connect
// works: sendto makes the association
// see: sctp(7); CVE-2021-23133's socket
// goal: reach
// needs: modprobe sctp
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));

	MUST(sendto(MUST(socket(AF_INET, SOCK_SEQPACKET, 132)), env("MARK"), 16, 0, (void *)&to, sizeof(to)));
	usleep(200000);
	return 0;
}
