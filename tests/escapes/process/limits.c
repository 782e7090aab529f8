// tries: to take another process's limits away, so that it can open nothing
// works: prlimit takes a process number
// see: prlimit(2)
// goal: harm
#include "../kit.h"

int main(void)
{
	struct rlimit none = { 3, 3 };

	return MUST(prlimit(number("VICTIM"), RLIMIT_NOFILE, &none, NULL));
}
