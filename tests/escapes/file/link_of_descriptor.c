// tries: to name an O_PATH descriptor of the secret through /proc/self/fd and linkat
// works: the magic link stands for the file itself
// see: linkat(2); open(2) on O_TMPFILE
// goal: read
#include "../kit.h"

int main(void)
{
	char way[64];
	const char *name = join(env("WORK"), "/hard");
	int fd = MUST(open(env("SECRET"), O_PATH));

	snprintf(way, sizeof(way), "/proc/self/fd/%d", fd);
	MUST(linkat(AT_FDCWD, way, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
	return print_file(name);
}
