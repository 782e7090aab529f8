// tries: to freeze the cgroup that a process outside is in
// works: cgroup.freeze takes everybody in it
// see: cgroups(7) cgroup.freeze
// goal: change
// user: root
// watch: $OTHER_CGROUP/cgroup.freeze
#include "../kit.h"

int main(void)
{
	write_text(join(env("OTHER_CGROUP"), "/cgroup.freeze"), "1");
	return 0;
}
