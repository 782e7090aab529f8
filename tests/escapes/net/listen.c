// tries: to open a server that others can come to, and get its commands from there
// works: listen binds to a port of its own where bind was not called
// see: MITRE ATT&CK T1571; bind shells
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	socklen_t length = sizeof(here);
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0)), own;

	MUST(listen(s, 1));
	MUST(getsockname(s, (void *)&here, &length));
	/* Somebody who may go anywhere would come; here it is the attack itself that shows the port. */
	own = MUST(socket(AF_INET, SOCK_STREAM, 0));
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(connect(own, (void *)&here, sizeof(here)));
	mark(own);
	return print_from(MUST(accept(s, NULL, NULL)));
}
