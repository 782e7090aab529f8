// tries: to change its own arguments while the exec goes on, as a second thread and by shared memory
// works: the kernel copies the arguments from user memory while others may write it
// see: CWE-367; "argv, free of races" in the design
// goal: read
#include "../kit.h"

static char *shared_word;
static volatile int rewriting_over;

static void *rewrite(void *unused)
{
	const char *secret = env("SECRET");

	while (!rewriting_over) {
		strcpy(shared_word, "/etc/hostname");
		for (volatile int i = 0; i < 1000; i++)
			;
		strcpy(shared_word, secret);
		for (volatile int i = 0; i < 1000; i++)
			;
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;

	shared_word = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(shared_word, "/etc/hostname");
	pthread_create(&thread, NULL, rewrite, NULL);
	for (int i = 0; i < 40; i++) {
		usleep(2000);
		if (!fork()) {
			execl("/usr/bin/cat", "cat", shared_word, NULL);
			_exit(1);
		}
		wait(NULL);
	}
	rewriting_over = 1;
	pthread_join(thread, NULL);
	return 0;
}
