// tries: to empty and remove a folder outside, by descriptors
// works: unlinkat goes by descriptor and name
// see: unlinkat(2)
// goal: change
#include "../kit.h"

int main(void)
{
	int folder = MUST(open(join(env("GUARDED"), "/folder"), O_PATH));
	int above = MUST(open(env("GUARDED"), O_PATH));

	MUST(unlinkat(folder, "inner", 0));
	return MUST(unlinkat(above, "folder", AT_REMOVEDIR));
}
