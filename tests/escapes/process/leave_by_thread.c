// tries: to move single threads out through cgroup.threads
// works: threaded cgroups take threads one by one
// see: cgroups(7), "Thread mode"
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	int moved = 0;
	const char *files[] = { "/sys/fs/cgroup/cgroup.threads", "/sys/fs/cgroup/cgroup.procs" };

	for (int i = 0; i < 2; i++) {
		int fd = open(files[i], O_WRONLY);
		moved |= fd >= 0 && write(fd, "0", 1) == 1;
		perror(files[i]);
	}
	return print_file(env("SECRET"));
}
