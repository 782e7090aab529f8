// tries: to move the daemon into a cgroup that is frozen
// works: root moves everybody
// see: cgroups(7) cgroup.freeze
// goal: daemon
// user: root
// first: mkdir -p /sys/fs/cgroup/escapes-frozen
// undo: echo 0 >/sys/fs/cgroup/escapes-frozen/cgroup.freeze; echo $DAEMON >/sys/fs/cgroup/cgroup.procs; rmdir /sys/fs/cgroup/escapes-frozen
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	write_text("/sys/fs/cgroup/escapes-frozen/cgroup.freeze", "1");
	write_text("/sys/fs/cgroup/escapes-frozen/cgroup.procs", env("DAEMON"));
	return 0;
}
