// tries: to reach loopback as 127.77.1.2
// works: all of 127.0.0.0/8 is this host
// see: RFC 1122 3.2.1.3
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.77.1.2", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(connect(s, (void *)&to, sizeof(to)));
	return mark(s);
}
