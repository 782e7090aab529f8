// tries: to run while the daemon starts again, before it has labelled what is there
// works: a tool that learns of processes from events misses those that were there before
// see: Falco and Tetragon at start; design, invariant 6
// goal: read
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	/* The label was there before this program was: no start of anything takes it away. */
	for (int i = 0; i < 20; i++) {
		int fd = open(env("SECRET"), O_RDONLY);
		if (fd >= 0)
			return print_from(fd);
		usleep(10000);
	}
	return 1;
}
