// tries: to change a file outside through a second name in the workspace
// works: both names are the same file
// see: link(2), linkat(2) AT_SYMLINK_FOLLOW
// goal: change
#include "../kit.h"

int main(void)
{
	const char *name = join(env("WORK"), "/hard"), *way = join(env("WORK"), "/way");

	MUST(symlink(env("TARGET"), way));
	MUST(linkat(AT_FDCWD, way, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
	return mark(MUST(open(name, O_WRONLY)));
}
