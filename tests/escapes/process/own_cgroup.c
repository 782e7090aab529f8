// tries: to make a cgroup of its own below the session's and act from there
// works: a look-up of the immediate cgroup finds no session
// see: cgroups(7), "Delegation"
// goal: read
// user: root
// undo: rmdir /sys/fs/cgroup/escape-own
#include "../kit.h"

int main(void)
{
	if (mkdir("/sys/fs/cgroup/escape-own", 0755))
		perror("mkdir");
	else
		write_text("/sys/fs/cgroup/escape-own/cgroup.procs", "0");
	return print_file(env("SECRET"));
}
