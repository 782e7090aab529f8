// tries: to type a command into a terminal
// works: TIOCSTI puts bytes into a terminal's input
// see: CVE-2017-5226 (bubblewrap), CVE-2023-28339; ioctl_tty(2)
// goal: run
#include "../kit.h"

int main(void)
{
	int near, far;
	char backwards[18] = "", heard[64] = "";

	if (fork())
		return wait(NULL) < 0;
	MUST(openpty(&near, &far, NULL, NULL, NULL));
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	backwards[16] = '\n';
	MUST(setsid());
	MUST(ioctl(far, TIOCSCTTY, 0));
	for (int i = 0; i < 17; i++)
		MUST(ioctl(far, TIOCSTI, backwards + i));
	MUST(read(far, heard, 63));
	return puts(heard) < 0;
}
