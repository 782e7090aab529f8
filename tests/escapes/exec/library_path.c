// tries: to give an allowed program a C library of the attacker's by LD_LIBRARY_PATH
// works: the loader looks there first
// see: ld.so(8); MITRE ATT&CK T1574.007
// goal: run
#include "../kit.h"

int main(void)
{
	const char *path = join(told("WORK"), "/libc.so.6");
	int fd = MUST(open(path, O_WRONLY | O_CREAT, 0755));

	copy_to(told("PAYLOAD_LIBRARY"), fd);
	close(fd);
	setenv("LD_LIBRARY_PATH", told("WORK"), 1);
	return MUST(execl("/usr/bin/true", "true", NULL));
}
