// tries: to use a TCP connection that somebody outside has made to an address that is shut
// works: a socket that is handed over is connected already
// see: unix(7) SCM_RIGHTS
// first: python3 $KIT/attacks/give.py $WORK/give.sock tcp 127.0.0.1 $PORT
// goal: reach
#include "../kit.h"

int main(void)
{
	return mark(handed(join(env("WORK"), "/give.sock")));
}
