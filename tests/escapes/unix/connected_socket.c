// tries: to use a connection that somebody outside has made to a UNIX socket that is shut
// works: a socket that is handed over is connected already
// see: unix(7) SCM_RIGHTS
// first: python3 $KIT/attacks/give.py $WORK/give.sock unix $SOCKETS/exec.sock
// goal: change
#include "../kit.h"

int main(void)
{
	const char *text = order();
	int fd = handed(join(env("WORK"), "/give.sock"));

	MUST(write(fd, text, strlen(text)));
	return 0;
}
