// tries: to end the daemon
// works: root signals everybody
// see: MITRE ATT&CK T1562.001, T1489
// goal: daemon
// user: root
// last: the daemon takes its time to start again
#include "../kit.h"

int main(void)
{
	return MUST(kill(number("DAEMON"), SIGKILL));
}
