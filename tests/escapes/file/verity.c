// tries: to make a file that it may only read unwritable for ever, for its owner and for root
// works: fs-verity is turned on through a descriptor that was opened to read
// see: Documentation/filesystems/fsverity.rst, FS_IOC_ENABLE_VERITY
// goal: change
// needs: modprobe loop && test -e /sys/fs/ext4/features/verity
// first: at=/run/verity-$WORKER; truncate -s 16M $at.ext4 && mkfs.ext4 -q -b 4096 -O verity $at.ext4 && mkdir -p $at && mount -o loop $at.ext4 $at && cp -p "$GUARDED/shown" $at/shown && mount --bind $at/shown "$GUARDED/shown"
// undo: at=/run/verity-$WORKER; umount "$GUARDED/shown"; umount $at; rm -rf $at $at.ext4
#include "../kit.h"

int main(void)
{
	struct {
		uint32_t version, hash, block, salt_size;
		uint64_t salt;
		uint32_t signature_size, reserved1;
		uint64_t signature, reserved2[11];
	} verity = { .version = 1, .hash = 1, .block = 4096 };
	int fd = MUST(open(env("SHOWN"), O_RDONLY));

	return MUST(ioctl(fd, _IOW('f', 133, verity), &verity));
}
