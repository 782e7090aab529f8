// tries: to give the socket a name in the workspace and connect to that
// works: a socket is a file with links like others
// see: link(2); unix(7)
// goal: change
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	const char *name = join(env("WORK"), "/own.sock");
	socklen_t length = local(&to, name);
	int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	MUST(link(join(env("SOCKETS"), "/exec.sock"), name));
	MUST(connect(s, (void *)&to, length));
	return MUST(write(s, order(), strlen(order()))) < 0;
}
