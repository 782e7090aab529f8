// tries: to give a process outside the idle policy
// works: sched_setscheduler takes a process number
// see: sched_setscheduler(2)
// goal: harm
#include "../kit.h"

int main(void)
{
	struct sched_param none = { 0 };

	return MUST(sched_setscheduler(number("VICTIM"), SCHED_IDLE, &none));
}
