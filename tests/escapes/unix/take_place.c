// tries: to put a socket of its own in the place of one that others connect to
// works: unlink and bind as the same user
// see: CWE-283; socket squatting
// goal: change
// watch: $SOCKETS
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	socklen_t length = local(&to, join(env("SOCKETS"), "/new.sock"));

	return MUST(bind(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&to, length));
}
