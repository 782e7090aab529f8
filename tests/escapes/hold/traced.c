// tries: to trace a task that is held, and to swallow what stops it
// works: a tracer decides which signals its tracee gets
// see: ptrace(2), "signal-delivery-stop"
// goal: change
#include "../kit.h"

int main(void)
{
	time_t end = time(NULL) + 6;
	pid_t child = MUST(fork());
	int status;

	if (!child) {
		MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		_exit(unlink(env("ASKED")) < 0);
	}
	while (time(NULL) < end && waitpid(child, &status, 0) == child && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, child, NULL, NULL);
	kill(child, SIGKILL);
	return 0;
}
