// tries: to have the loader put a library into every program
// works: root writes /etc/ld.so.preload
// see: MITRE ATT&CK T1574.006
// goal: change
// user: root
// watch: /etc/ld.so.preload
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	/* Empty: what is in it would be loaded by all that runs meanwhile. */
	close(MUST(open("/etc/ld.so.preload", O_WRONLY | O_CREAT, 0644)));
	return 0;
}
