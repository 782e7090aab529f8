// tries: to reach the socket by a symbolic link in the workspace
// works: connect follows links
// see: unix(7); path_resolution(7)
// goal: change
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	const char *link = join(env("WORK"), "/own.sock");
	socklen_t length;
	int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	MUST(symlink(join(env("SOCKETS"), "/exec.sock"), link));
	length = local(&to, link);
	MUST(connect(s, (void *)&to, length));
	return MUST(write(s, order(), strlen(order()))) < 0;
}
