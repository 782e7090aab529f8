// tries: to move a process outside into another cgroup
// works: root writes any number into cgroup.procs
// see: cgroups(7)
// goal: harm
// user: root
#include "../kit.h"

int main(void)
{
	write_text(join(env("OTHER_CGROUP"), "/cgroup.procs"), env("VICTIM"));
	return 0;
}
