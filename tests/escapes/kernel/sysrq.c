// tries: to have the kernel sync, kill or reboot at once by a magic key
// works: root writes to /proc/sysrq-trigger
// see: Documentation/admin-guide/sysrq.rst
// goal: hold /proc/sysrq-trigger
// user: root
#include "../kit.h"

int main(void)
{
	MUST(open("/proc/sysrq-trigger", O_WRONLY));
	return holding();
}
