// tries: to run a program from a file in memory
// works: memfd_create needs no disk and execveat no path
// see: memfd_create(2); MITRE ATT&CK T1620 Reflective Code Loading
// goal: run
#include "../kit.h"

int main(void)
{
	int fd = MUST(memfd_create("kworker", 0));

	copy_to(env("PAYLOAD"), fd);
	return run_open(fd, 0);
}
