// tries: to read the kernel's memory as a core file
// works: root may open /proc/kcore
// see: proc(5)
// goal: hold /proc/kcore
// user: root
// needs: test -e /proc/kcore
#include "../kit.h"

int main(void)
{
	MUST(open("/proc/kcore", O_RDONLY));
	return holding();
}
