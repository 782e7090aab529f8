// tries: to join a namespace of a process outside
// works: root joins what it can open
// see: setns(2); nsenter(1)
// goal: hold net:
// user: root
#include "../kit.h"

int main(void)
{
	char way[64];
	int fd;

	snprintf(way, sizeof(way), "/proc/%ld/ns/net", number("VICTIM"));
	fd = MUST(open(way, O_RDONLY));
	MUST(setns(fd, CLONE_NEWNET));
	return holding();
}
