// tries: to remove another's semaphores
// works: same user
// see: semctl(2) IPC_RMID
// goal: change
// watch: /proc/sysvipc/sem
// alone: the list is the machine's
#include "../kit.h"

int main(void)
{
	return MUST(semctl(number("VICTIM_SEM"), 0, IPC_RMID));
}
