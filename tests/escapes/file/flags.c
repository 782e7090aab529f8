// tries: to make a file outside unchangeable for its owner
// works: root sets the immutable flag by ioctl
// see: ioctl_iflags(2), chattr(1)
// goal: read
// user: root
// undo: true
// note: opening for ioctl needs reading; the token stands for having got that far
#include "../kit.h"

int main(void)
{
	int fd = MUST(open(told("SECRET"), O_RDONLY)), flags;

	MUST(ioctl(fd, _IOR('f', 1, long), &flags));
	return print_from(fd);
}
