// tries: to set flags of a file that it may only read, by their second interface
// works: FS_IOC_FSSETXATTR takes a descriptor that was opened to read
// see: ioctl_xfs_fssetxattr(2), chattr(1) -p
// goal: change
#include "../kit.h"

int main(void)
{
	struct {
		uint32_t flags, extent, extents, project, cow;
		char pad[8];
	} attributes;
	int fd = MUST(open(env("SHOWN"), O_RDONLY));

	MUST(ioctl(fd, _IOR('X', 31, attributes), &attributes));
	attributes.flags |= 0x80;
	return MUST(ioctl(fd, _IOW('X', 32, attributes), &attributes));
}
