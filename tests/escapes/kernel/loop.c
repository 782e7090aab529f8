// tries: to make a disk of a file, and with it any file system it likes
// works: root has loop devices
// see: CVE-2022-1679's kin: crafted file systems
// goal: hold /dev/loop
// user: root
// needs: modprobe loop && test -c /dev/loop-control
// undo: losetup -D
#include "../kit.h"

int main(void)
{
	int control = MUST(open("/dev/loop-control", O_RDWR)), number = MUST(ioctl(control, 0x4c82)), fd, loop;
	char path[64];

	fd = MUST(open(join(env("WORK"), "/disk"), O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(fd, 1 << 20));
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	loop = MUST(open(path, O_RDWR));
	MUST(ioctl(loop, 0x4c00, fd));
	return holding();
}
