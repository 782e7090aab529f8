// tries: to have a file left out of backups, without writing it
// works: its owner sets the flag `nodump` through a descriptor that was opened to read
// see: ioctl_iflags(2); dump(8) leaves out what has it
// goal: change
#include "../kit.h"

int main(void)
{
	int fd = MUST(open(env("SHOWN"), O_RDONLY));
	long flags = 0;

	MUST(ioctl(fd, _IOR('f', 1, long), &flags));
	flags |= 0x40;
	return MUST(ioctl(fd, _IOW('f', 2, long), &flags));
}
