// tries: to use a connection that somebody outside has made
// works: a socket that is handed over is connected already
// see: unix(7) SCM_RIGHTS
// goal: read
// note: the helper hands out a file; see connected_socket for a socket
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	socklen_t length = local(&to, env("HAND"));
	char byte, control[64];
	struct iovec part = { &byte, 1 };
	struct mmsghdr message = { { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 64 } };
	int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), fd;

	MUST(connect(s, (void *)&to, length));
	MUST(recvmmsg(s, &message, 1, MSG_CMSG_CLOEXEC, NULL));
	if (!CMSG_FIRSTHDR(&message.msg_hdr))
		return puts("no descriptor came"), 1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message.msg_hdr)), sizeof(fd));
	return print_from(fd);
}
