// tries: to get a packet socket as root of namespaces of its own
// works: CAP_NET_RAW over one's own network namespace is free
// see: CVE-2020-14386, CVE-2017-7308: kernel exploits that begin so
// goal: hold socket:17
#include "../kit.h"

int main(void)
{
	own_namespaces(CLONE_NEWNET);
	MUST(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	return holding();
}
