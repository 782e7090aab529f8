// tries: the same by /dev/userfaultfd
// works: file permissions alone decide since Linux 6.1
// see: Documentation/admin-guide/mm/userfaultfd.rst
// goal: hold anon_inode:[userfaultfd]
// user: root
// needs: test -c /dev/userfaultfd
#include "../kit.h"

int main(void)
{
	MUST(ioctl(MUST(open("/dev/userfaultfd", O_RDWR)), _IO(0xAA, 0), O_CLOEXEC));
	return holding();
}
