// tries: to have a person approve a program with harmless arguments, and to change them in shared memory meanwhile
// works: who is asked sees the arguments as they were then; execve(2) copies them again when it starts anew
// see: CWE-367; execve(2); what tracers see of arguments (ptrace(2), seccomp_unotify(2) "Caveats")
// goal: run
// first: . "$KIT/attacks/approver.sh"; meanwhile approve_all '"arguments":["basename","harmless--------"]'
#include "../kit.h"

#define LENGTH 16

int main(void)
{
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), wanted[LENGTH + 1] = "";
	char *const words[] = { "basename", shared, NULL };
	char shown[64] = "";
	time_t end = time(NULL) + 8;
	pid_t flips;

	for (int at = 0; at < LENGTH; at++)
		wanted[at] = env("MARK")[LENGTH - 1 - at];
	memcpy(shared, "harmless--------", LENGTH + 1);
	flips = MUST(fork());
	for (int turn = 0; !flips; turn++) {
		usleep(turn % 2 ? 3000 : 40000);
		memcpy(shared, turn % 2 ? "harmless--------" : wanted, LENGTH);
	}
	while (time(NULL) < end && !strstr(shown, wanted)) {
		int output[2];
		ssize_t length;
		pid_t child;

		MUST(pipe(output));
		child = MUST(fork());
		if (!child) {
			dup2(output[1], 1);
			execv("/usr/bin/basename", words);
			_exit(127);
		}
		close(output[1]);
		length = read(output[0], shown, sizeof(shown) - 1);
		shown[length > 0 ? length : 0] = 0;
		dprintf(1, "%s", shown);
		close(output[0]);
		waitpid(child, NULL, 0);
	}
	kill(flips, SIGKILL);
	return 0;
}
