// tries: to read POSIX shared memory of a process outside
// works: it is a file in /dev/shm
// see: shm_open(3)
// goal: read
#include "../kit.h"

int main(void)
{
	return print_from(MUST(shm_open(join("/escapes-", env("WORKER")), O_RDONLY, 0)));
}
