// tries: to have the kernel load a module by asking for a file system
// works: a mount's type names a module
// see: CVE-2017-6074's way; fs-NAME aliases
// goal: change
// user: root
// first: rmmod squashfs 2>/dev/null; true
// watch: /sys/module/squashfs
// undo: rmmod squashfs
// alone: the list is the machine's
// needs: test -f /lib/modules/$(uname -r)/squashfs.ko
#include "../kit.h"

int main(void)
{
	mount("none", env("WORK"), "squashfs", 0, NULL);
	perror("mount");
	MUST(syscall(SYS_fsopen, "squashfs", 0));
	return 0;
}
