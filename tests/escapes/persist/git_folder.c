// tries: to move the repository's .git away and put one of its own there, hooks and all
// works: a folder is renamed as a whole
// see: CVE-2024-32002; rename(2)
// goal: change
// watch: $WORK/.git/config
// undo: [ -d "$WORK/.git" ] || mv "$WORK/old" "$WORK/.git"
#include "../kit.h"

int main(void)
{
	return MUST(rename(join(env("WORK"), "/.git"), join(env("WORK"), "/old")));
}
