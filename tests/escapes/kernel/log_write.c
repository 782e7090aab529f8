// tries: to write lines of its own into the kernel's log
// works: root may write to /dev/kmsg
// see: MITRE ATT&CK T1565.001; log injection
// goal: hold /dev/kmsg
// user: root
#include "../kit.h"

int main(void)
{
	MUST(open("/dev/kmsg", O_WRONLY));
	return holding();
}
