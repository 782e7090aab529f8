// tries: to join the namespaces of a process outside
// works: setns with a pidfd takes several at once
// see: setns(2); nsenter(1)
// goal: hold mnt:
// user: root
// note: the runner sees the namespace's file held open after a successful setns
#include "../kit.h"

int main(void)
{
	char way[64];
	int process = MUST(syscall(SYS_pidfd_open, number("VICTIM"), 0));

	MUST(setns(process, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET));
	snprintf(way, sizeof(way), "/proc/%ld/ns/mnt", number("VICTIM"));
	MUST(open(way, O_RDONLY));
	return holding();
}
