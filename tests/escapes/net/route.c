// tries: to change the machine's addresses
// works: root's rtnetlink does what ip(8) does
// see: rtnetlink(7)
// goal: change
// user: root
// capability: net_admin is for addresses and routes
// watch: /proc/net/fib_trie
// undo: ip addr del 10.78.0.1/24 dev lo
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	struct { struct nlmsghdr head; struct { unsigned char family, bits, flags, scope; unsigned index; } to;
		 struct { unsigned short length, type; unsigned char address[4]; } local, address; } message = {
		{ sizeof(message), 20, 1 | 0x400 | 4 }, { AF_INET, 24, 0, 0, if_nametoindex("lo") },
		{ 8, 2, { 10, 78, 0, 1 } }, { 8, 1, { 10, 78, 0, 1 } },
	};
	struct { struct nlmsghdr head; int error; } answer;
	int s = MUST(socket(AF_NETLINK, SOCK_RAW, 0));

	MUST(send(s, &message, sizeof(message), 0));
	MUST(recv(s, &answer, sizeof(answer), 0));
	errno = -answer.error;
	return MUST(answer.error ? -1 : 0);
}
