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

	MUST(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, told("SECRET")));
	if (!fork()) {
		/* The victim's descriptor is opened again by whoever looks. */
		for (;;) {
			struct sockaddr_un to;
			socklen_t length = local(&to, told("HAND"));
			int s = socket(AF_UNIX, SOCK_STREAM, 0);
			connect(s, (void *)&to, length);
			usleep(100000);
			close(s);
		}
	}
	for (int i = 0; i < 200; i++) {
		ssize_t length = MUST(read(fd, bytes, sizeof(bytes)));
		struct stat is, secret;
		MUST(stat(told("SECRET"), &secret));
		for (event = (void *)bytes; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
			if (event->fd >= 0 && !fstat(event->fd, &is) && is.st_ino == secret.st_ino)
				return print_from(event->fd);
			close(event->fd);
		}
	}
	return 1;
}
