// tries: to take a message from another's POSIX queue
// works: same user; queues have names
// see: mq_overview(7)
// goal: read
#include "../kit.h"

int main(void)
{
	char bytes[8193] = "";

	MUST(mq_receive(MUST(mq_open(join("/escapes-", env("WORKER")), O_RDONLY | O_NONBLOCK)), bytes, 8192, NULL));
	return puts(bytes) < 0;
}
