// tries: to walk from its own namespace of mounts to another's
// works: since Linux 6.12 a namespace gives a descriptor of the one before it or after it, to root
// see: include/uapi/linux/nsfs.h NS_MNT_GET_PREV; setns(2)
// goal: run
// user: root
// first: unshare -m sleep 300 & sleep 0.2
// needs: test "$(printf '%s\n' 6.12 "$(uname -r)" | sort -V | head -1)" = 6.12
#include "../kit.h"

int main(void)
{
	struct { unsigned size, mounts; unsigned long long id; } info = { .size = 16 };
	int own = MUST(open("/proc/self/ns/mnt", O_RDONLY)), fd;

	fd = ioctl(own, _IOR(0xb7, 11, info), &info);
	if (fd < 0)
		fd = ioctl(own, _IOR(0xb7, 12, info), &info);
	MUST(fd);
	return proved();
}
