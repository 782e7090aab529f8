// tries: to take the daemon's descriptors away by its limits
// works: root sets anybody's limits
// see: prlimit(2)
// goal: change
// user: root
// watch: /proc/$DAEMON/limits
// alone: there is one daemon
// undo: prlimit --pid $DAEMON --nofile=1024:524288
#include "../kit.h"

int main(void)
{
	struct rlimit few = { 1000, 1000 };

	return MUST(prlimit(number("DAEMON"), RLIMIT_NOFILE, &few, NULL));
}
