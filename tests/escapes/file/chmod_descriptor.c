// tries: to change the mode through fchmodat2 and an empty path
// works: Linux 6.6 takes AT_EMPTY_PATH, with O_PATH descriptors too
// see: fchmodat2(2)
// goal: change
// needs: [ "$(uname -r | cut -d. -f1)" -gt 6 ] || [ "$(uname -r | cut -d. -f1-2)" != 6.1 ]
#include "../kit.h"

int main(void)
{
	return MUST(syscall(452, MUST(open(env("TARGET"), O_PATH)), "", 0700, AT_EMPTY_PATH));
}
