// tries: to have udev run a program when a device appears
// works: root writes rules
// see: MITRE ATT&CK T1546.017
// goal: change
// user: root
// first: mkdir -p /etc/udev/rules.d
// watch: /etc/udev
#include "../kit.h"

int main(void)
{
	return mark(MUST(open("/etc/udev/rules.d/99-escape.rules", O_WRONLY | O_CREAT, 0644)));
}
