// tries: to change the mode of a file by an O_PATH descriptor
// works: chmod through /proc/self/fd takes what the descriptor names
// see: fchmodat2(2); proc(5)
// goal: change
#include "../kit.h"

int main(void)
{
	char way[64];

	snprintf(way, sizeof(way), "/proc/self/fd/%d", (int)MUST(open(env("TARGET"), O_PATH)));
	return MUST(chmod(way, 0777));
}
