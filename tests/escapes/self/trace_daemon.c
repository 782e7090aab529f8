// tries: to hold the daemon by ptrace
// works: root traces everybody
// see: ptrace(2); MITRE ATT&CK T1055.008
// goal: daemon
// user: root
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	MUST(ptrace(PTRACE_ATTACH, number("DAEMON"), 0, 0));
	sleep(2);
	return 0;
}
