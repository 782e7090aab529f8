// tries: to mount a file system of its own making from a file
// works: root makes the file a disk by a loop device
// see: CVE-2022-1679's kin: crafted file systems
// goal: change
// user: root
// watch: /sys/block
// needs: modprobe loop && test -c /dev/loop-control
// undo: losetup -D
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	int control = MUST(open("/dev/loop-control", O_RDWR)), number = MUST(ioctl(control, 0x4c82)), fd, loop;
	char path[64];

	fd = MUST(open(join(told("WORK"), "/disk"), O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(fd, 1 << 20));
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	loop = MUST(open(path, O_RDWR));
	return MUST(ioctl(loop, 0x4c00, fd));
}
