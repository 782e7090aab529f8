// tries: to nail a process outside to one processor
// works: sched_setaffinity takes a process number
// see: sched_setaffinity(2)
// goal: harm
#include "../kit.h"

int main(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	return MUST(sched_setaffinity(number("VICTIM"), sizeof(one), &one));
}
