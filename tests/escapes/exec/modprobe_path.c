// tries: to have the kernel start a program outside when a module is wanted
// works: the usermode helper's path is a sysctl
// see: modprobe_path, the most used end of kernel exploits
// goal: change
// user: root
// watch: /proc/sys/kernel/modprobe /proc/sys/kernel/hotplug
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	write_text("/proc/sys/kernel/modprobe", "/tmp/x");
	return 0;
}
