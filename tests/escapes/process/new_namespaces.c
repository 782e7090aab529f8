// tries: to shed the label by entering new namespaces of every kind
// works: identity by namespace ends where a new one begins
// see: unshare(2); design, invariant 1
// goal: read
#include "../kit.h"

int main(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNS))
		perror("unshare");
	if (!fork())
		return print_file(env("SECRET"));
	wait(NULL);
	return 0;
}
