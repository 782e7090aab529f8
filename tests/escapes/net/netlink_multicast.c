// tries: to talk to those outside through a netlink group
// works: NETLINK_USERSOCK carries messages between processes
// see: netlink(7) NETLINK_USERSOCK
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct { struct nlmsghdr head; char text[16]; } message = { { sizeof(message), 1000 } };

	memcpy(message.text, env("MARK"), 16);
	return MUST(sendto(MUST(socket(AF_NETLINK, SOCK_RAW, 2)), &message, sizeof(message), 0, (void *)&to, sizeof(to))) < 0;
}
