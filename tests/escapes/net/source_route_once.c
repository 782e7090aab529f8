// tries: to send to the allowed server one datagram that brings a route of its own, after other things it brings
// works: options of one message come in a control message, and count as the socket's do
// see: ip(7) IP_RETOPTS; net/ipv4/ip_sockglue.c ip_cmsg_send
// user: root
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("OPEN_PORT"));
	unsigned char route[8] = { 1, 131, 7, 4, 10, 77, 0, 9 };
	char room[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(route))] __attribute__((aligned(8))) = "";
	struct iovec data = { (char *)env("MARK"), 16 };
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &data, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	*head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL };
	*(int *)CMSG_DATA(head) = 9;
	head = CMSG_NXTHDR(&message, head);
	*head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(route)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_RETOPTS };
	memcpy(CMSG_DATA(head), route, sizeof(route));
	return MUST(sendmsg(MUST(socket(AF_INET, SOCK_DGRAM, 0)), &message, 0)) < 0;
}
