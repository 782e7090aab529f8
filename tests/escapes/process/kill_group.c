// tries: to signal the whole group of a process outside
// works: kill with a negative number takes a group
// see: kill(2), killpg(3)
// goal: harm
#include "../kit.h"

int main(void)
{
	return MUST(kill(-number("VICTIM"), SIGTERM));
}
