// tries: to send a forged sender with a message
// works: root may send any process number as its own
// see: unix(7) SCM_CREDENTIALS; CVE-2013-1979
// goal: change
// user: root
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	socklen_t length = local(&to, join(env("SOCKETS"), "/datagram.sock"));
	char control[CMSG_SPACE(sizeof(struct ucred))] = "";
	struct ucred as = { 1, 0, 0 };
	struct iovec part = { (char *)order(), strlen(order()) };
	struct msghdr message = { &to, length, &part, 1, control, sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_CREDENTIALS;
	head->cmsg_len = CMSG_LEN(sizeof(as));
	memcpy(CMSG_DATA(head), &as, sizeof(as));
	return MUST(sendmsg(MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), &message, 0)) < 0;
}
