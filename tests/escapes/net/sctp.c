// tries: to send data by SCTP
// works: rules of TCP and UDP do not speak of it
// see: RFC 9260; MITRE ATT&CK T1095
// goal: reach
// needs: modprobe sctp
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_STREAM, 132));

	MUST(connect(s, (void *)&to, sizeof(to)));
	mark(s);
	usleep(100000);
	return 0;
}
