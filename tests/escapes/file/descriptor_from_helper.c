// tries: to be given an open descriptor of the secret by somebody outside
// works: SCM_RIGHTS hands over what its sender could open
// see: unix(7) SCM_RIGHTS; the confused deputy
// goal: read
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	socklen_t length = local(&to, env("HAND"));
	char byte, control[64];
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 64 };
	struct cmsghdr *head;
	int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), fd;

	MUST(connect(s, (void *)&to, length));
	MUST(recvmsg(s, &message, 0));
	head = CMSG_FIRSTHDR(&message);
	if (!head)
		return puts("no descriptor came"), 1;
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return print_from(fd);
}
