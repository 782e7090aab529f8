// tries: to send a thread of another process a signal with a value
// works: rt_tgsigqueueinfo is one more way to signal
// see: rt_tgsigqueueinfo(2)
// goal: harm
#include "../kit.h"

int main(void)
{
	siginfo_t with = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };

	return MUST(syscall(SYS_rt_tgsigqueueinfo, number("VICTIM"), number("VICTIM"), SIGUSR1, &with));
}
