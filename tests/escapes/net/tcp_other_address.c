// tries: the same at an address that is not loopback's
// works: rules for loopback do not speak of it
// see: MITRE ATT&CK T1048
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("10.77.0.1", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(connect(s, (void *)&to, sizeof(to)));
	return mark(s);
}
