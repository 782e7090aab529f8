// tries: to exchange the secret with a file of the workspace
// works: RENAME_EXCHANGE swaps both in one step
// see: renameat2(2)
// goal: read
#include "../kit.h"

int main(void)
{
	const char *name = join(env("WORK"), "/swap");

	close(MUST(open(name, O_WRONLY | O_CREAT, 0600)));
	MUST(renameat2(AT_FDCWD, env("SECRET"), AT_FDCWD, name, RENAME_EXCHANGE));
	return print_file(name);
}
