// tries: to unmount what lies over another place
// works: root may
// see: umount(2)
// goal: change
// user: root
// watch: /proc/self/mounts
// first: mkdir -p /run/escape-mount; mount -t tmpfs none /run/escape-mount
// undo: umount -l /run/escape-mount
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	return MUST(umount2("/run/escape-mount", MNT_DETACH));
}
