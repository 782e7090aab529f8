// tries: to keep a server open for those outside
// works: any user may listen on a high port
// see: MITRE ATT&CK T1571; tcp(7)
// goal: change
// watch: /proc/net/tcp
// alone: the list is the machine's
#include "../kit.h"

int main(void)
{
	struct sockaddr_in here = v4("0.0.0.0", 7960);
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1;

	MUST(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	MUST(bind(s, (void *)&here, sizeof(here)));
	MUST(listen(s, 1));
	if (!fork()) {
		sleep(1);
		_exit(0);
	}
	return 0;
}
