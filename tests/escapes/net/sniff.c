// tries: to listen to what others send
// works: root's packet sockets see every interface
// see: MITRE ATT&CK T1040
// goal: hold socket:17
// user: root
#include "../kit.h"

int main(void)
{
	MUST(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	return holding();
}
