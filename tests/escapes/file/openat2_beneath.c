// tries: to open the secret with every other RESOLVE flag
// works: the flags narrow how a path is walked, not what may be opened
// see: openat2(2)
// goal: read
#include "../kit.h"

int main(void)
{
	struct open_how how = { .flags = O_RDONLY };
	unsigned flags[] = { RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
			     RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV };
	int folder = MUST(open(env("GUARDED"), O_PATH | O_DIRECTORY)), fd, read = 0;

	for (int i = 0; i < 5; i++) {
		how.resolve = flags[i];
		fd = syscall(SYS_openat2, folder, "secret", &how, sizeof(how));
		if (fd < 0)
			perror("openat2");
		else
			read += !print_from(fd);
	}
	return !read;
}
