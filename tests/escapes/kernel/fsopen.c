// tries: to mount a file system by the new calls, without mount(2)
// works: fsopen, fsconfig and fsmount give a detached mount
// see: fsopen(2); CVE-2022-0185
// goal: hold anon_inode:[fscontext]
// user: root
#include "../kit.h"

int main(void)
{
	MUST(syscall(SYS_fsopen, "tmpfs", 0));
	return holding();
}
