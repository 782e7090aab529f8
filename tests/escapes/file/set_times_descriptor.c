// tries: the same by an O_PATH descriptor and the old calls utime and futimesat
// works: there are four ways to set times
// see: utime(2), futimesat(2)
// goal: change
#include "../kit.h"

int main(void)
{
	struct timeval times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	int folder = MUST(open(env("GUARDED"), O_PATH));

	return MUST(syscall(SYS_futimesat, folder, "target", times));
}
