// tries: to connect without waiting, and write when it is there
// works: the answer to connect is EINPROGRESS in any case
// see: connect(2)
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	struct pollfd until = { s, POLLOUT };

	if (connect(s, (void *)&to, sizeof(to)) && errno != EINPROGRESS)
		must(-1, "connect");
	MUST(poll(&until, 1, 9000));
	return mark(s);
}
