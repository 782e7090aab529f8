// tries: to exec from a thread that is not the leader
// works: the thread takes the leader's place, with a label or without
// see: execve(2), "All threads other than the calling thread are destroyed"
// goal: read
#include "../kit.h"

static void *exec_here(void *unused)
{
	execl("/usr/bin/cat", "cat", env("SECRET"), NULL);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_here, NULL);
	pthread_join(thread, NULL);
	return 1;
}
