// tries: to stop the daemon and act while it sleeps
// works: root signals everybody
// see: MITRE ATT&CK T1562.001 Impair Defenses
// goal: daemon
// user: root
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	return MUST(kill(number("DAEMON"), SIGSTOP));
}
