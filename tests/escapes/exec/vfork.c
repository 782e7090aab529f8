// tries: to start a program from a vfork child that shares the parent's memory
// works: parent and child are one memory until the exec
// see: vfork(2)
// goal: run
#include "../kit.h"

int main(void)
{
	const char *path = own_program("/program");
	pid_t child = vfork();

	if (!child) {
		execl(path, "payload", NULL);
		perror("execl");
		_exit(1);
	}
	MUST(waitpid(child, NULL, 0));
	return 0;
}
