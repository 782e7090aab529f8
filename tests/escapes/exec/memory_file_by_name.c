// tries: to run it by its name in /proc
// works: /proc/self/fd/N is a path like others
// see: MITRE ATT&CK T1620; fexecve(3)
// goal: run
#include "../kit.h"

int main(void)
{
	char way[64];
	int fd = MUST(memfd_create("x", 0));

	copy_to(env("PAYLOAD"), fd);
	snprintf(way, sizeof(way), "/proc/self/fd/%d", fd);
	return MUST(execl(way, "payload", NULL));
}
