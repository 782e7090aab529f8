// tries: to change what a mount allows: to make a read-only place writable, or nosuid suid
// works: mount_setattr takes any mount for root
// see: mount_setattr(2)
// goal: change
// user: root
// watch: /proc/self/mounts
// undo: mount -o remount,nosuid,nodev /dev/shm
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	struct mount_attr to = { .attr_clr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };

	return MUST(syscall(SYS_mount_setattr, AT_FDCWD, "/dev/shm", 0, &to, sizeof(to)));
}
