// tries: to run a program that never had a name
// works: O_TMPFILE makes a file without one
// see: open(2) O_TMPFILE; execveat(2)
// goal: run
#include "../kit.h"

int main(void)
{
	char way[64];
	int fd = MUST(open(env("WORK"), O_TMPFILE | O_RDWR, 0755)), named;

	copy_to(env("PAYLOAD"), fd);
	snprintf(way, sizeof(way), "/proc/self/fd/%d", fd);
	named = MUST(open(way, O_PATH));
	close(fd);
	return run_open(named, 0);
}
