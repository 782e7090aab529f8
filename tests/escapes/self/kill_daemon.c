// tries: to end the daemon
// works: root signals everybody
// see: MITRE ATT&CK T1562.001, T1489
// goal: daemon
// user: root
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	return MUST(kill(number("DAEMON"), SIGKILL));
}
