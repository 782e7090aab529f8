// tries: to become root in a user namespace, whence most kernel exploits start
// works: any user may make one
// see: CVE-2022-0185, CVE-2023-32233, CVE-2024-1086
// goal: hold user:
#include "../kit.h"

int main(void)
{
	own_namespaces(CLONE_NEWNET);
	MUST(open("/proc/self/ns/user", O_RDONLY));
	return holding();
}
