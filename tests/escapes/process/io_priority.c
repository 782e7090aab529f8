// tries: to put a process outside last in the queue for the disk
// works: ioprio_set takes a process number
// see: ioprio_set(2)
// goal: harm
#include "../kit.h"

int main(void)
{
	return MUST(syscall(SYS_ioprio_set, 1, number("VICTIM"), 3 << 13));
}
