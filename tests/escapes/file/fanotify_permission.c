// tries: to decide who may open anything on this disk, and to decide nothing
// works: root marks a whole file system with permission events
// see: fanotify(7) FAN_OPEN_PERM; no program starts any more, and no trail is written
// goal: run
// user: root
// needs: test "$(stat -f -c %T /dev/shm)" = tmpfs
#include "../kit.h"

int main(void)
{
	int fd = MUST(fanotify_init(FAN_CLASS_CONTENT, O_RDONLY));

	MUST(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_PERM, AT_FDCWD, env("WORK")));
	/* It ends at once: who waits goes on. */
	close(fd);
	return proved();
}
