// tries: to have the kernel signal a process outside when data arrives on a socket
// works: F_SETOWN names anyone; the signal is sent later, in another's name
// see: fcntl(2) F_SETOWN, F_SETSIG; CVE-2010-4258's cousin
// goal: harm
#include "../kit.h"

int main(void)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(fcntl(pair[0], F_SETOWN, number("VICTIM")));
	MUST(fcntl(pair[0], F_SETSIG, SIGTERM));
	MUST(fcntl(pair[0], F_SETFL, O_ASYNC));
	MUST(write(pair[1], "x", 1));
	usleep(100000);
	return 0;
}
