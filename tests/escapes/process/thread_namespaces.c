// tries: to have one thread leave and enter namespaces by itself, and read from there
// works: namespaces but for those of users are a thread's own
// see: setns(2), unshare(2); design, invariant 1
// goal: read
// user: root
#include "../kit.h"

static void *enter_and_read(void *unused)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY);

	if (unshare(CLONE_FS | CLONE_FILES | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS))
		perror("unshare");
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		perror("setns");
	print_file(env("SECRET"));
	return NULL;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, enter_and_read, NULL);
	pthread_join(thread, NULL);
	return 0;
}
