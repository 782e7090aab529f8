// tries: to load a module into the kernel
// works: root may
// see: finit_module(2); MITRE ATT&CK T1547.006
// goal: change
// user: root
// first: rmmod squashfs 2>/dev/null; true
// watch: /sys/module/squashfs
// undo: rmmod squashfs
// alone: the list is the machine's
// needs: test -f /lib/modules/$(uname -r)/squashfs.ko
#include "../kit.h"

#include <sys/utsname.h>

int main(void)
{
	struct utsname is;
	char path[300];

	uname(&is);
	snprintf(path, sizeof(path), "/lib/modules/%s/squashfs.ko", is.release);
	return MUST(syscall(SYS_finit_module, MUST(open(path, O_RDONLY)), "", 0));
}
