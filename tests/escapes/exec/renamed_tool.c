// tries: to run a program of its own under the name of one that may run
// works: who judges by names judges by what the attacker chooses
// see: MITRE ATT&CK T1036.005 Masquerading
// goal: run
#include "../kit.h"

int main(void)
{
	mkdir(join(env("WORK"), "/usr"), 0755);
	mkdir(join(env("WORK"), "/usr/bin"), 0755);
	return MUST(execl(own_program("/usr/bin/git"), "/usr/bin/git", "status", NULL));
}
