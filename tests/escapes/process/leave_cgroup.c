// tries: to leave the session's cgroup and act from outside it
// works: a tool that goes by the cgroup one is in lets go of who leaves
// see: cgroups(7); Tetragon's and Falco's attribution by cgroup
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	write_text(join(env("OTHER_CGROUP"), "/cgroup.procs"), "0");
	return print_file(env("SECRET"));
}
