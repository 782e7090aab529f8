// tries: to hold up everybody who opens a file to write that it may only read
// works: the kernel makes them wait for the one who has a lease, up to lease-break-time
// see: fcntl(2) F_SETLEASE
// goal: run
// first: chown 1000 "$SHOWN"
#include "../kit.h"

int main(void)
{
	MUST(fcntl(MUST(open(env("SHOWN"), O_RDONLY)), F_SETLEASE, F_RDLCK));
	return proved();
}
