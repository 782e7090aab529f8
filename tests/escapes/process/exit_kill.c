// tries: to signal outside by way of a parent's death or an exit signal of its own choice
// works: clone takes any signal for the child's end, sent to whoever is the parent then
// see: clone(2), prctl(2) PR_SET_PDEATHSIG; CVE-2010-4347's kin
// goal: harm
// first: true
// note: outside, the parent that is signalled is chosen by tracing, which is the way that works
#include "../kit.h"

int main(void)
{
	MUST(ptrace(PTRACE_SEIZE, number("VICTIM"), 0, PTRACE_O_EXITKILL));
	return 0;
}
