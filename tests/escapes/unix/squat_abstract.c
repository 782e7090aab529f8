// tries: to bind an abstract name that a program outside will trust
// works: the first who binds a name has it
// see: unix(7); squatting of D-Bus and X11 names
// goal: change
// watch: /proc/net/unix
// alone: the list is the machine's
// untold: nothing is refused where it succeeds; the list tells
#include "../kit.h"

int main(void)
{
	struct sockaddr_un to;
	socklen_t length = local(&to, "@/tmp/.X11-unix/X7");

	MUST(bind(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&to, length));
	if (!fork()) {
		sleep(1);
		_exit(0);
	}
	return 0;
}
