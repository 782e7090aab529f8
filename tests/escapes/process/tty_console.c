// tries: to paste into a virtual console by TIOCLINUX
// works: selection and paste need no input right
// see: CVE-2023-28100 (flatpak)
// goal: run
// user: root
// needs: test -c /dev/tty1
// unrecorded: opening the console is refused already, which an event records where it happens
#include "../kit.h"

int main(void)
{
	struct { char code; unsigned short xs, ys, xe, ye, mode; } __attribute__((packed)) select = { 2, 1, 1, 1, 1, 0 };
	char paste = 3, backwards[17] = "";
	int fd = MUST(open("/dev/tty1", O_RDWR));

	MUST(ioctl(fd, TIOCLINUX, &select));
	MUST(ioctl(fd, TIOCLINUX, &paste));
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	return puts(backwards) < 0;
}
