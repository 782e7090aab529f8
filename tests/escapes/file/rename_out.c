// tries: to move the secret into the workspace and read it there
// works: renaming asks only for rights in the two folders
// see: rename(2)
// goal: read
#include "../kit.h"

int main(void)
{
	const char *name = join(env("WORK"), "/moved");

	MUST(rename(env("SECRET"), name));
	return print_file(name);
}
