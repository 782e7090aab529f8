// tries: to give an unnamed file a name outside
// works: O_TMPFILE makes a file without a name, linkat one for it
// see: open(2) O_TMPFILE
// goal: change
#include "../kit.h"

int main(void)
{
	char way[64];
	int fd = MUST(open(env("WORK"), O_TMPFILE | O_RDWR, 0644));

	mark(fd);
	snprintf(way, sizeof(way), "/proc/self/fd/%d", fd);
	return MUST(linkat(AT_FDCWD, way, AT_FDCWD, join(env("GUARDED"), "/new"), AT_SYMLINK_FOLLOW));
}
