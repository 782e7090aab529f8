// tries: to connect to the allowed server and send elsewhere
// works: an address in the message overrides the connected one
// see: udp(7)
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in good = v4("127.0.0.1", number("OPEN_PORT")), bad = v4("127.0.0.1", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	MUST(connect(s, (void *)&good, sizeof(good)));
	return MUST(sendto(s, env("MARK"), 16, 0, (void *)&bad, sizeof(bad))) < 0;
}
