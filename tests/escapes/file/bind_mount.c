// tries: to see the guarded folder under a name in the workspace by a bind mount
// works: root mounts what it likes where it likes
// see: CVE-2019-5736 (runc) and kin; mount(2) MS_BIND
// goal: read
// user: root
// undo: umount -l "$WORK/bound"
#include "../kit.h"

int main(void)
{
	const char *at = join(env("WORK"), "/bound");

	MUST(mkdir(at, 0755));
	MUST(mount(env("GUARDED"), at, NULL, MS_BIND, NULL));
	return print_file(join(at, "/secret"));
}
