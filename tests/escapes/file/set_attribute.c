// tries: to hang an extended attribute on a file outside
// works: user attributes need no more than write permission, and no open
// see: setxattr(2); MITRE ATT&CK T1564
// goal: change
#include "../kit.h"

int main(void)
{
	return MUST(setxattr(env("TARGET"), "user.mark", env("MARK"), 16, 0));
}
