// tries: to open the secret with the access mode 3, which is neither reading nor writing, for ioctl
// works: the kernel asks for both rights and gives neither; /proc then reopens it
// see: open(2), "access mode 3"
// goal: read
#include "../kit.h"

int main(void)
{
	char way[64];

	snprintf(way, sizeof(way), "/proc/self/fd/%d", (int)MUST(open(env("SECRET"), 3)));
	return print_file(way);
}
