// tries: to put a file of the attacker's in the place of one outside
// works: as above; the old file's own permissions don't count
// see: rename(2)
// goal: change
#include "../kit.h"

int main(void)
{
	const char *name = join(env("WORK"), "/mine");

	mark(MUST(open(name, O_WRONLY | O_CREAT, 0644)));
	MUST(rename(name, env("TARGET")));
	return 0;
}
