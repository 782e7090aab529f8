// tries: to have those outside come to it: a server on a port that the kernel chooses
// works: listen binds by itself where bind was not called
// see: MITRE ATT&CK T1571; bind shells; docs/limits.md on implicit binds
// goal: read
// first: (until [ -s "$WORK/port" ]; do sleep 0.05; done; echo "$TOKEN" >"/dev/tcp/127.0.0.1/$(<"$WORK/port")") &
#include "../kit.h"

int main(void)
{
	struct sockaddr_in here;
	socklen_t length = sizeof(here);
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0));
	struct pollfd until = { s, POLLIN };

	MUST(listen(s, 1));
	MUST(getsockname(s, (void *)&here, &length));
	MUST(dprintf(MUST(open(join(env("WORK"), "/port"), O_WRONLY | O_CREAT, 0644)), "%d", ntohs(here.sin_port)));
	MUST(poll(&until, 1, 30000) - 1);
	return print_from(MUST(accept(s, NULL, NULL)));
}
