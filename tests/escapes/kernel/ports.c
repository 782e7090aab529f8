// tries: to talk to the hardware by its ports
// works: root may raise its I/O privilege
// see: ioperm(2); lockdown
// goal: run
// user: root
#include "../kit.h"

#include <sys/io.h>

int main(void)
{
	char backwards[17] = "";

	MUST(ioperm(0x80, 1, 1));
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	return puts(backwards) < 0;
}
