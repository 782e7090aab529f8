// tries: to starve a process outside by its priority
// works: the same user may lower it
// see: setpriority(2)
// goal: harm
#include "../kit.h"

int main(void)
{
	return MUST(setpriority(PRIO_PROCESS, number("VICTIM"), 19));
}
