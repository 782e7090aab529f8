// tries: to learn kernel facts of a process outside by comparing with it
// works: kcmp answers who may trace
// see: kcmp(2)
// goal: run
#include "../kit.h"

int main(void)
{
	char backwards[17] = "";

	MUST(syscall(SYS_kcmp, getpid(), number("VICTIM"), 1, 0, 0));
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	return puts(backwards) < 0;
}
