// tries: as an ordinary user, to watch the guarded folder by handles
// works: Linux 5.13 gives unprivileged groups that report handles
// see: fanotify_init(2) FAN_REPORT_FID
// goal: hold anon_inode:[fanotify]
#include "../kit.h"

int main(void)
{
	int fd = MUST(fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, 0));

	MUST(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD, AT_FDCWD, env("GUARDED")));
	return holding();
}
