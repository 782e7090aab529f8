// tries: to hide an allowed folder under one that is not, seen by its allowed name
// works: a path's meaning follows the mounts of one's own namespace
// see: CVE-2023-2640 (overlayfs in user namespaces); mount_namespaces(7)
// goal: read
#include "../kit.h"

int main(void)
{
	own_namespaces(CLONE_NEWNS);
	MUST(mount(env("GUARDED"), "/tmp", NULL, MS_BIND, NULL));
	return print_file("/tmp/secret");
}
