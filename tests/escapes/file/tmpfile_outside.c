// tries: to keep data in an unnamed file of a folder outside and then name it there
// works: making it changes nothing that a listing shows
// see: open(2) O_TMPFILE
// goal: change
#include "../kit.h"

int main(void)
{
	char way[64];
	int fd = MUST(open(env("GUARDED"), O_TMPFILE | O_RDWR, 0644));

	snprintf(way, sizeof(way), "/proc/self/fd/%d", fd);
	return MUST(linkat(AT_FDCWD, way, AT_FDCWD, join(env("GUARDED"), "/new"), AT_SYMLINK_FOLLOW));
}
