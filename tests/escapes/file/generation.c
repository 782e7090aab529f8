// tries: to give a file that it may only read another generation, so that who knows it by its handle finds it no more
// works: its owner sets it through a descriptor that was opened to read
// see: FS_IOC_SETVERSION; handles of name_to_handle_at(2) carry the generation
// goal: change
// note: ext4 has it where it keeps no checksums of its metadata, as older ones do not
// needs: modprobe loop
// first: at=/run/generation-$WORKER; truncate -s 16M $at.ext4 && mkfs.ext4 -q -O ^metadata_csum $at.ext4 && mkdir -p $at && mount -o loop $at.ext4 $at && cp -p "$GUARDED/shown" $at/shown && mount --bind $at/shown "$GUARDED/shown"
// undo: at=/run/generation-$WORKER; umount "$GUARDED/shown"; umount $at; rm -rf $at $at.ext4
#include "../kit.h"

int main(void)
{
	int fd = MUST(open(env("SHOWN"), O_RDONLY));
	long generation = 4711;

	return MUST(ioctl(fd, _IOW('v', 2, long), &generation));
}
