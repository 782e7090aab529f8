// tries: to run a program through /dev/fd
// works: the name says nothing of what lies behind it
// see: fexecve(3); proc(5)
// goal: run
#include "../kit.h"

int main(void)
{
	char way[64];

	snprintf(way, sizeof(way), "/dev/fd/%d", (int)MUST(open(own_program("/program"), O_PATH)));
	return MUST(execl(way, "ls", NULL));
}
