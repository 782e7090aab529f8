// tries: to change a setting of the kernel
// works: root writes to /proc/sys
// see: sysctl(8); MITRE ATT&CK T1562
// goal: change
// user: root
// watch: /proc/sys/kernel/yama/ptrace_scope /proc/sys/kernel/randomize_va_space
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	write_text("/proc/sys/kernel/randomize_va_space", "0");
	return 0;
}
