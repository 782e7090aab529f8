// tries: to open the secret from the many tasks of a fork bomb
// works: where no task can be made any more, a tracker may fail open
// see: CWE-770; design, invariant 1
// goal: read
// alone: it takes the machine's time
#include "../kit.h"

int main(void)
{
	pid_t leader = getpid();

	for (int i = 0; i < 9; i++)
		fork();
	int fd = open(env("SECRET"), O_RDONLY);
	if (fd >= 0)
		print_from(fd);
	if (getpid() != leader)
		_exit(0);
	usleep(500000);
	return 0;
}
