// tries: to change what the keys Ctrl-Alt-Delete do, by the call that reboots
// works: root may
// see: reboot(2)
// goal: run
// user: root
// capability: sys_boot is for that
// alone: it is the machine's
#include "../kit.h"

#include <sys/reboot.h>

int main(void)
{
	char backwards[17] = "";

	MUST(reboot(RB_DISABLE_CAD));
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	return puts(backwards) < 0;
}
