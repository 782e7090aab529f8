// tries: to send data in the first packet, without connect
// works: MSG_FASTOPEN connects in sendto
// see: tcp(7) TCP_FASTOPEN; Landlock's documentation on MSG_FASTOPEN
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(sendto(s, env("MARK"), 16, MSG_FASTOPEN, (void *)&to, sizeof(to)));
	usleep(100000);
	return 0;
}
