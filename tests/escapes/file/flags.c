// tries: to make a file that it may only read unchangeable for its owner
// works: root sets the immutable flag through a descriptor that was opened to read
// see: ioctl_iflags(2), chattr(1)
// goal: change
// user: root
#include "../kit.h"

int main(void)
{
	long flags = 0x10;

	return MUST(ioctl(MUST(open(env("SHOWN"), O_RDONLY)), _IOW('f', 2, long), &flags));
}
