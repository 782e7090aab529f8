// tries: to have the call pass while its task dies in the hold, again and again
// works: a call may have taken effect when its caller is killed
// see: signal(7), "Interruption of system calls"
// goal: change
#include "../kit.h"

int main(void)
{
	for (int turn = 0; turn < 40; turn++) {
		pid_t child = MUST(fork());

		if (!child)
			_exit(unlink(env("ASKED")) < 0);
		usleep(turn * 2500);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return unlink(env("ASKED"));
}
