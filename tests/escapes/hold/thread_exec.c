// tries: to exec from one thread while another is held
// works: exec ends all other threads, wherever they wait
// see: execve(2), "Effect on process attributes"
// goal: change
#include "../kit.h"

static void *asks(void *unused)
{
	unlink(env("ASKED"));
	return NULL;
}

int main(void)
{
	pid_t me = getpid(), waker = MUST(fork());
	pthread_t thread;

	if (!waker) {
		for (int turn = 0; turn < 600; turn++) {
			kill(me, SIGCONT);
			usleep(10000);
		}
		_exit(0);
	}
	pthread_create(&thread, NULL, asks, NULL);
	usleep(300000);
	return MUST(execl("/usr/bin/rm", "rm", "-f", env("ASKED"), NULL));
}
