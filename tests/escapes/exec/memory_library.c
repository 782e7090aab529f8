// tries: to load a library from a file in memory into a program that may run
// works: dlopen maps what a path leads to
// see: MITRE ATT&CK T1620; dlopen(3)
// goal: run
#include "../kit.h"

int main(void)
{
	char way[64];
	int fd = MUST(memfd_create("x", 0));

	copy_to(env("PAYLOAD_LIBRARY"), fd);
	snprintf(way, sizeof(way), "/proc/self/fd/%d", fd);
	if (!dlopen(way, RTLD_NOW))
		return puts(dlerror()), 1;
	return 0;
}
