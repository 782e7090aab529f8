// tries: to restrict itself by Landlock so that gatekeeper's hooks are not asked any more
// works: security modules stack, and each may refuse; none may let
// see: landlock(7)
// goal: read
// note: a control of our own: stacking must not turn a refusal into a yes
#include "../kit.h"

#include <linux/landlock.h>

int main(void)
{
	struct landlock_ruleset_attr all = { .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE };
	int rules = syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (rules >= 0)
		syscall(SYS_landlock_restrict_self, rules, 0);
	return print_file(env("SECRET"));
}
