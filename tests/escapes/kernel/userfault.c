// tries: to stop the kernel in the middle of copying, at will
// works: userfaultfd has page faults wait for user space; exploits widen races so
// see: CVE-2016-2384 and many after; userfaultfd(2)
// goal: hold anon_inode:[userfaultfd]
#include "../kit.h"

int main(void)
{
	MUST(syscall(SYS_userfaultfd, O_CLOEXEC));
	return holding();
}
