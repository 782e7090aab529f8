// tries: to reach the socket by an O_PATH descriptor of it
// works: /proc/self/fd/N leads to a socket, too
// see: open(2) O_PATH; unix(7)
// goal: change
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	char way[64];
	socklen_t length;
	int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	snprintf(way, sizeof(way), "/proc/self/fd/%d", (int)MUST(open(join(env("SOCKETS"), "/exec.sock"), O_PATH)));
	length = local(&to, way);
	MUST(connect(s, (void *)&to, length));
	return MUST(write(s, order(), strlen(order()))) < 0;
}
