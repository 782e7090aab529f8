// tries: the same over an abstract socket, as X11 and old D-Bus have them
// works: abstract names know no permissions
// see: unix(7); CVE-2020-15257 (containerd-shim)
// goal: change
#include "../kit.h"

int main(void)
{
	char name[64];
	struct sockaddr_un to;
	socklen_t length;
	int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	snprintf(name, sizeof(name), "@escapes-%s-exec", env("WORKER"));
	length = local(&to, name);
	MUST(connect(s, (void *)&to, length));
	return MUST(write(s, order(), strlen(order()))) < 0;
}
