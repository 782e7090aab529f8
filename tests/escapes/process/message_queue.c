// tries: to take a message from another's System V queue
// works: same user
// see: msgrcv(2), MSG_COPY
// goal: read
#include "../kit.h"

int main(void)
{
	struct { long type; char text[65]; } message = { 0 };

	MUST(msgrcv(number("VICTIM_QUEUE"), &message, 64, 0, IPC_NOWAIT));
	return puts(message.text) < 0;
}
