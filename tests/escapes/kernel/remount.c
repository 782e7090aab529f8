// tries: to make a file system of the machine's read-only for everybody
// works: root picks a mounted file system and sets it up anew, by calls that are not mount(2)
// see: fspick(2), fsconfig(2) FSCONFIG_CMD_RECONFIGURE
// goal: run
// user: root
// undo: mount -o remount,rw /dev/shm
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	int fd = MUST(syscall(SYS_fspick, AT_FDCWD, "/dev/shm", 0));

	MUST(syscall(SYS_fsconfig, fd, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	MUST(syscall(SYS_fsconfig, fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	return proved();
}
