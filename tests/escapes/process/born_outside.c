// tries: to have a child born in another cgroup, beyond the session's limits and its end
// works: CLONE_INTO_CGROUP needs no later move
// see: clone(2) CLONE_INTO_CGROUP; what ends with a session is found by its cgroup
// goal: run
// user: root
#include "../kit.h"

int main(void)
{
	struct clone_args how = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	pid_t child;
	int status = 1;

	how.cgroup = MUST(open(env("OTHER_CGROUP"), O_RDONLY | O_DIRECTORY));
	child = MUST(syscall(SYS_clone3, &how, sizeof(how)));
	if (!child)
		_exit(0);
	MUST(waitpid(child, &status, 0));
	return status || proved();
}
