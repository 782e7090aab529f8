// tries: to reach loopback by the address 0.0.0.0
// works: Linux takes the unspecified address for this host
// see: "0.0.0.0 day", 2024; connect(2)
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("0.0.0.0", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(connect(s, (void *)&to, sizeof(to)));
	return mark(s);
}
