// tries: to fill the table of holds, and to go on when there is no place in it
// works: what watches often lets pass what it has no room for
// see: tools that allow when their buffer or queue is full
// goal: change
#include "../kit.h"

int main(void)
{
	for (int turn = 0; turn < 90; turn++) {
		pid_t child = MUST(fork());

		if (!child) {
			mark(MUST(open(env("ASKED"), O_WRONLY | O_APPEND)));
			_exit(0);
		}
	}
	MUST(unlink(env("ASKED")));
	return 0;
}
