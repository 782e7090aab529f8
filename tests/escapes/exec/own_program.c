// tries: to run a program that the session has put into its workspace
// works: a file with the x bit runs
// see: MITRE ATT&CK T1204.002, T1105
// goal: run
#include "../kit.h"

int main(void)
{
	char *const words[] = { "payload", NULL };

	return MUST(execv(own_program("/program"), words));
}
