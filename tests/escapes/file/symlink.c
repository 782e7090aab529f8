// tries: to read the secret through a symbolic link in the workspace
// works: permissions of the target decide, and the target is the user's own
// see: CVE-2025-53109 (EscapeRoute: a file server of an assistant followed links out of its folder)
// goal: read
#include "../kit.h"

int main(void)
{
	const char *link = join(env("WORK"), "/link");

	MUST(symlink(env("SECRET"), link));
	return print_file(link);
}
