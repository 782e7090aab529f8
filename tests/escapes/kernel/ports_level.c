// tries: to talk to the hardware by all of its ports
// works: root may raise its I/O privilege
// see: iopl(2); lockdown
// goal: run
// user: root
#include "../kit.h"

#include <sys/io.h>

int main(void)
{
	MUST(iopl(3));
	return proved();
}
