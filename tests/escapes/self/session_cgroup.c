// tries: to remove the session's cgroup, or make one that looks like a session's
// works: root may
// see: cgroups(7); design, invariant 8
// goal: change
// user: root
// watch: /sys/fs/cgroup/gatekeeper/fake
// undo: rmdir /sys/fs/cgroup/gatekeeper/fake
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	return MUST(mkdir("/sys/fs/cgroup/gatekeeper/fake", 0755));
}
