// tries: the same without being root, in namespaces of its own
// works: a user namespace brings CAP_SYS_ADMIN over its own mounts
// see: user_namespaces(7); CVE-2022-0185
// goal: read
#include "../kit.h"

int main(void)
{
	const char *at = join(env("WORK"), "/bound");

	MUST(mkdir(at, 0755));
	own_namespaces(CLONE_NEWNS);
	MUST(mount(env("GUARDED"), at, NULL, MS_BIND, NULL));
	return print_file(join(at, "/secret"));
}
