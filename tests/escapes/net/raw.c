// tries: to write whole IP packets
// works: root's raw sockets take any protocol
// see: raw(7); MITRE ATT&CK T1095
// goal: reach
// user: root
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", 0);

	return MUST(sendto(MUST(socket(AF_INET, SOCK_RAW, 253)), env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
