// tries: to make tasks with odd flags: shared memory, files, folders, parent
// works: a label copied in one way of making tasks may be missing in another
// see: clone(2) CLONE_PARENT, CLONE_FILES, CLONE_FS, CLONE_VM
// goal: read
#include "../kit.h"

int main(void)
{
	long flags[] = { SIGCHLD | CLONE_PARENT, SIGCHLD | CLONE_FILES | CLONE_FS, SIGCHLD | CLONE_PTRACE,
			 SIGCHLD | CLONE_UNTRACED, SIGCHLD | CLONE_IO, SIGCHLD | CLONE_CLEAR_SIGHAND };

	for (int i = 0; i < 5; i++) {
		long child = syscall(SYS_clone, flags[i], 0, 0, 0, 0);
		if (!child) {
			print_file(env("SECRET"));
			_exit(0);
		}
		usleep(30000);
	}
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	return 0;
}
