// tries: the same on a port of its own choice
// works: any user may bind a high port
// see: MITRE ATT&CK T1571; tcp(7)
// goal: read
// first: (until [ -s "$WORK/port" ]; do sleep 0.05; done; echo "$TOKEN" >"/dev/tcp/127.0.0.1/$(<"$WORK/port")") &
#include "../kit.h"

int main(void)
{
	struct sockaddr_in here = v4("0.0.0.0", 7960 + number("WORKER"));
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1;
	struct pollfd until = { s, POLLIN };

	MUST(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	MUST(bind(s, (void *)&here, sizeof(here)));
	MUST(listen(s, 1));
	MUST(dprintf(MUST(open(join(env("WORK"), "/port"), O_WRONLY | O_CREAT, 0644)), "%ld", 7960 + number("WORKER")));
	MUST(poll(&until, 1, 30000) - 1);
	return print_from(MUST(accept(s, NULL, NULL)));
}
