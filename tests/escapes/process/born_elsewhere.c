// tries: to have a child born in another cgroup
// works: CLONE_INTO_CGROUP needs no later move
// see: clone(2) CLONE_INTO_CGROUP
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	struct clone_args how = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	pid_t child;

	how.cgroup = MUST(open(env("OTHER_CGROUP"), O_RDONLY | O_DIRECTORY));
	child = syscall(SYS_clone3, &how, sizeof(how));
	if (child < 0)
		perror("clone3");
	if (child <= 0)
		return print_file(env("SECRET"));
	MUST(waitpid(child, NULL, 0));
	return 0;
}
