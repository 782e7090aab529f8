// tries: to signal every process there is
// works: kill(-1) reaches all of the user's
// see: kill(2)
// goal: harm
// alone: it would kill the other worker's
// unrecorded: the kernel reports no refusal of a broadcast, and its own session's end is no refusal
#include "../kit.h"

int main(void)
{
	signal(SIGTERM, SIG_IGN);
	return MUST(kill(-1, SIGTERM));
}
