// tries: to be held in the memory of a parent that waits for it
// works: a vfork child runs in its parent's memory, and the parent can't be asked anything
// see: vfork(2)
// goal: change
#include "../kit.h"

int main(void)
{
	const char *path = env("ASKED");
	pid_t child = vfork();

	if (!child)
		_exit(unlink(path) < 0);
	return waitpid(child, NULL, 0) < 0;
}
