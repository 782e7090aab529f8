// tries: to connect by Multipath TCP
// works: its sockets are no TCP sockets to those who ask for the protocol
// see: mptcp(7); Landlock's bypass by MPTCP (fixed in Linux 6.14)
// goal: reach
// needs: python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)'
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_STREAM, 262));

	MUST(connect(s, (void *)&to, sizeof(to)));
	return mark(s);
}
