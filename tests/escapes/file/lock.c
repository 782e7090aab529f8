// tries: to lock a file that it may only read, so that nobody outside gets in who locks it before writing
// works: flock(2) asks for an open file, not for one that may be written
// see: flock(2); databases, package managers and git take such locks
// goal: run
#include "../kit.h"

int main(void)
{
	MUST(flock(MUST(open(env("SHOWN"), O_RDONLY)), LOCK_EX | LOCK_NB));
	return proved();
}
