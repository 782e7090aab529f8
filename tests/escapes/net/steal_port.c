// tries: to take a share of an allowed server's clients by binding its port, too
// works: SO_REUSEPORT lets the same user in
// see: socket(7) SO_REUSEPORT; port hijacking
// goal: hold socket:2
#include "../kit.h"

int main(void)
{
	struct sockaddr_in here = v4("127.0.0.1", 7961);
	int s = MUST(socket(AF_INET, SOCK_DGRAM, 0)), one = 1;

	MUST(setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	MUST(bind(s, (void *)&here, sizeof(here)));
	return holding();
}
