// tries: to write through a symbolic link to a folder, one component up the path
// works: links in the middle of a path are followed, too
// see: CVE-2025-53109; symlink(7)
// goal: change
#include "../kit.h"

int main(void)
{
	const char *link = join(env("WORK"), "/folder");

	MUST(symlink(env("GUARDED"), link));
	return mark(MUST(open(join(link, "/target"), O_WRONLY | O_TRUNC)));
}
