// tries: to give the secret a name in the workspace
// works: protected_hardlinks does not mind links to one's own files
// see: link(2); proc(5) protected_hardlinks
// goal: read
#include "../kit.h"

int main(void)
{
	const char *name = join(env("WORK"), "/hard");

	MUST(link(env("SECRET"), name));
	return print_file(name);
}
