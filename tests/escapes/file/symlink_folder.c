// tries: to write through a symbolic link to a folder, one component up the path
// works: links in the middle of a path are followed, too
// see: CVE-2025-53109; symlink(7)
// goal: change
#include "../kit.h"

int main(void)
{
	const char *link = join(told("WORK"), "/folder");

	MUST(symlink(told("GUARDED"), link));
	return mark(MUST(open(join(link, "/target"), O_WRONLY | O_TRUNC)));
}
