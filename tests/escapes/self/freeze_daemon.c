// tries: to move the daemon into a cgroup that is frozen
// works: root moves everybody
// see: cgroups(7) cgroup.freeze
// goal: daemon
// user: root
// undo: echo 0 >"$OTHER_CGROUP/cgroup.freeze"; echo $DAEMON >/sys/fs/cgroup/cgroup.procs
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	write_text(join(told("OTHER_CGROUP"), "/cgroup.freeze"), "1");
	write_text(join(told("OTHER_CGROUP"), "/cgroup.procs"), told("DAEMON"));
	return 0;
}
