// tries: to read what the user types in another terminal, and to write on it
// works: all terminals of a user are the user's files
// see: pts(4); a question that a false approver asks
// first: runuser -u dev -- script -qc "tty >$WORK/tty; exec sleep 300" /dev/null </dev/null >/dev/null 2>&1 &
//   until test -s $WORK/tty; do sleep 0.1; done
// goal: run
#include "../kit.h"

int main(void)
{
	char name[64] = "";

	MUST(read(MUST(open(join(env("WORK"), "/tty"), O_RDONLY)), name, 63));
	name[strcspn(name, "\r\n")] = 0;
	mark(MUST(open(name, O_RDWR | O_NOCTTY)));
	return proved();
}
