// tries: to send datagrams by sendmmsg, some to the allowed server and one elsewhere
// works: one call sends many messages
// see: sendmmsg(2)
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in good = v4("127.0.0.1", number("OPEN_PORT")), bad = v4("10.77.0.1", number("PORT"));
	struct iovec empty = { "hello", 5 }, data = { (char *)env("MARK"), 16 };
	struct mmsghdr messages[3] = {
		{ { &good, sizeof(good), &empty, 1 } }, { { &good, sizeof(good), &empty, 1 } },
		{ { &bad, sizeof(bad), &data, 1 } },
	};
	int sent = MUST(sendmmsg(MUST(socket(AF_INET, SOCK_DGRAM, 0)), messages, 3, 0));

	return sent == 3 ? 0 : MUST(-1);
}
