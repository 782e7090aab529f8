// tries: to rename the machine
// works: root may
// see: sethostname(2); capabilities(7) CAP_SYS_ADMIN
// goal: change
// user: root
// capability: sys_admin is for the name, among other things
// watch: /proc/sys/kernel/hostname
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	return MUST(sethostname("escaped", 7));
}
