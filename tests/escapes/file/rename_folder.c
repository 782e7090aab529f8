// tries: to move the whole guarded folder's child into the workspace and read below it
// works: what lies in a folder moves with it
// see: rename(2); docs/limits.md on names
// goal: change
#include "../kit.h"

int main(void)
{
	MUST(rename(join(env("GUARDED"), "/folder"), join(env("WORK"), "/folder")));
	return print_file(join(env("WORK"), "/folder/inner"));
}
