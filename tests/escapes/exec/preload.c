// tries: to slip a library into an allowed program by LD_PRELOAD
// works: the loader reads the environment
// see: ld.so(8); MITRE ATT&CK T1574.006
// goal: run
#include "../kit.h"

int main(void)
{
	setenv("LD_PRELOAD", env("PAYLOAD_LIBRARY"), 1);
	return MUST(execl("/usr/bin/true", "true", NULL));
}
