// tries: to open a file of the workspace while another thread puts the secret in its place
// works: between a check by name and its use the name can change hands
// see: CWE-367; TOCTTOU of path checks
// goal: read
// unrecorded: who loses every race meets nothing that could be refused
#include "../kit.h"

static volatile int race_over;

static void *race_swap(void *unused)
{
	const char *name = join(env("WORK"), "/race");

	while (!race_over) {
		renameat2(AT_FDCWD, env("SECRET"), AT_FDCWD, name, RENAME_EXCHANGE);
		sched_yield();
	}
	return NULL;
}

int main(void)
{
	const char *name = join(env("WORK"), "/race");
	time_t end = time(NULL) + 4;
	pthread_t thread;

	close(MUST(open(name, O_WRONLY | O_CREAT, 0600)));
	pthread_create(&thread, NULL, race_swap, NULL);
	while (!race_over && time(NULL) < end) {
		char bytes[64] = "";
		int fd = open(name, O_RDONLY);
		if (fd >= 0 && read(fd, bytes, 63) > 0) {
			puts(bytes);
			race_over = 1;
		}
		close(fd);
	}
	race_over = 1;
	pthread_join(thread, NULL);
	return 0;
}
