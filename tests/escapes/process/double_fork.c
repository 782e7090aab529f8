// tries: to become a child of init, in a session of its own
// works: who follows parents loses the orphan
// see: daemon(7); MITRE ATT&CK T1036.009
// goal: read
#include "../kit.h"

int main(void)
{
	int wait_for[2];
	char byte;

	MUST(pipe(wait_for));
	if (!fork()) {
		setsid();
		if (!fork()) {
			usleep(50000);
			print_file(env("SECRET"));
			_exit(0);
		}
		_exit(0);
	}
	/* Shut at the other end once the last that has it has ended. */
	close(wait_for[1]);
	wait(NULL);
	while (read(wait_for[0], &byte, 1) > 0)
		;
	return 0;
}
