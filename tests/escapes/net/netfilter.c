// tries: to get at the packet filter as root of namespaces of its own
// works: nf_tables is open in a user namespace
// see: CVE-2022-32250, CVE-2023-32233, CVE-2024-1086
// goal: hold socket:16
// needs: modprobe nfnetlink; python3 -c 'import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)'
#include "../kit.h"

int main(void)
{
	own_namespaces(CLONE_NEWNET);
	close(0);
	MUST(socket(AF_NETLINK, SOCK_RAW, 12));
	return holding();
}
