// tries: to start a forbidden program by posix_spawn with a descriptor as its folder
// works: posix_spawn is clone with CLONE_VFORK and CLONE_VM
// see: posix_spawn(3)
// goal: run
#include "../kit.h"

#include <spawn.h>

int main(void)
{
	const char *path = own_program("/program");
	char *const words[] = { "payload", NULL };
	pid_t child;
	int failed = posix_spawn(&child, path, NULL, NULL, words, environ);

	if (failed)
		return printf("posix_spawn: %s\n", strerror(failed)), 1;
	MUST(waitpid(child, NULL, 0));
	return 0;
}
