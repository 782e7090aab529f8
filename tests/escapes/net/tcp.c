// tries: to send data to a server over TCP
// works: nothing stops a connection
// see: MITRE ATT&CK T1041, T1048
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(connect(s, (void *)&to, sizeof(to)));
	return mark(s);
}
