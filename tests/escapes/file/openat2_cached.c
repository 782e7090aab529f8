// tries: to open the secret with RESOLVE_CACHED, once a stat has brought it into the cache
// works: the fast path asks the file system nothing
// see: openat2(2) RESOLVE_CACHED
// goal: read
#include "../kit.h"

int main(void)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_CACHED };
	struct stat is;

	MUST(stat(env("SECRET"), &is));
	for (int i = 0; i < 100; i++) {
		int fd = syscall(SYS_openat2, AT_FDCWD, env("SECRET"), &how, sizeof(how));
		if (fd >= 0)
			return print_from(fd);
		if (errno != EAGAIN)
			break;
		usleep(10000);
	}
	return MUST(-1);
}
