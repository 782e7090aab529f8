// tries: to open the secret from a thread made after a while
// works: labels of processes may not be of threads
// see: clone(2) CLONE_THREAD
// goal: read
#include "../kit.h"

static void *open_here(void *unused)
{
	int fd = open(env("SECRET"), O_RDONLY);

	perror("open");
	if (fd >= 0)
		print_from(fd);
	return NULL;
}

int main(void)
{
	for (int i = 0; i < 50; i++) {
		pthread_t thread;
		pthread_create(&thread, NULL, open_here, NULL);
		pthread_join(thread, NULL);
	}
	return 0;
}
