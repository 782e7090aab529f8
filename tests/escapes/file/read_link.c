// tries: to read where a symbolic link outside leads
// works: readlink opens nothing
// see: readlink(2)
// goal: read
// note: a rule names this link: no default keeps where one leads (docs/limits.md)
// first: ln -s "$TOKEN" "$GUARDED/pointer"
#include "../kit.h"

int main(void)
{
	char to[256] = "";

	MUST(readlink(join(env("GUARDED"), "/pointer"), to, 255));
	return puts(to) < 0;
}
