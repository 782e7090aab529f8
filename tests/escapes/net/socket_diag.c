// tries: to end other people's connections by netlink
// works: SOCK_DESTROY closes any socket for root
// see: sock_diag(7) SOCK_DESTROY; ss -K
// goal: hold socket:16
// user: root
// needs: modprobe tcp_diag
#include "../kit.h"

int main(void)
{
	MUST(socket(AF_NETLINK, SOCK_RAW, 4));
	return holding();
}
