// tries: to serve a file system of its own and change files between two looks at them
// works: /dev/fuse is open to all
// see: fuse(4); races widened by FUSE
// goal: hold /dev/fuse
// needs: modprobe fuse && chmod 666 /dev/fuse
#include "../kit.h"

int main(void)
{
	MUST(open("/dev/fuse", O_RDWR));
	return holding();
}
