// tries: the same by LD_AUDIT
// works: auditors are loaded before anything else
// see: ld.so(8), rtld-audit(7)
// goal: run
#include "../kit.h"

int main(void)
{
	setenv("LD_AUDIT", env("PAYLOAD_LIBRARY"), 1);
	return MUST(execl("/usr/bin/true", "true", NULL));
}
