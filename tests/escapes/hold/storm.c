// tries: to let a task go on while a person is asked, by a storm of SIGCONT
// works: SIGCONT lets a stopped process go on, and its own user may send it
// see: signal(7); the hold stops a process with SIGSTOP
// goal: change
#include "../kit.h"

int main(void)
{
	time_t end = time(NULL) + 6;
	pid_t child = MUST(fork());

	if (!child)
		_exit(unlink(env("ASKED")) < 0);
	while (time(NULL) < end && waitpid(child, NULL, WNOHANG) == 0)
		kill(child, SIGCONT);
	kill(child, SIGKILL);
	return 0;
}
