// tries: to be handed descriptors of whatever others open on this disk
// works: root marks a mount and gets an open descriptor with each event
// see: fanotify(7)
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	char bytes[4096];
	struct fanotify_event_metadata *event = (void *)bytes;
	int fd = MUST(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
	struct pollfd until = { fd, POLLIN };
	time_t end = time(NULL) + 8;

	MUST(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, env("SECRET")));
	if (!fork()) {
		/* The victim's descriptor is opened again by whoever looks. */
		while (time(NULL) < end) {
			struct sockaddr_un to;
			socklen_t length = local(&to, env("HAND"));
			int s = socket(AF_UNIX, SOCK_STREAM, 0);
			connect(s, (void *)&to, length);
			usleep(100000);
			close(s);
		}
		_exit(0);
	}
	while (time(NULL) < end) {
		ssize_t length = poll(&until, 1, 200) > 0 ? read(fd, bytes, sizeof(bytes)) : 0;
		struct stat is, secret;

		/* What the kernel could not open for us fails the reading. */
		if (length <= 0)
			continue;
		MUST(stat(env("SECRET"), &secret));
		for (event = (void *)bytes; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
			if (event->fd >= 0 && !fstat(event->fd, &is) && is.st_ino == secret.st_ino)
				return print_from(event->fd);
			close(event->fd);
		}
	}
	return 1;
}
