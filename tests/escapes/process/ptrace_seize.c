// tries: to seize a process outside without stopping it, and change it
// works: PTRACE_SEIZE asks what attaching asks
// see: ptrace(2) PTRACE_SEIZE
// goal: change
#include "../kit.h"

int main(void)
{
	pid_t pid = number("VICTIM");

	MUST(ptrace(PTRACE_SEIZE, pid, 0, 0));
	MUST(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	MUST(waitpid(pid, NULL, __WALL));
	MUST(ptrace(PTRACE_POKEDATA, pid, number("VICTIM_ADDRESS") + 40, 0x4141414141414141));
	ptrace(PTRACE_DETACH, pid, 0, 0);
	usleep(100000);
	return 0;
}
