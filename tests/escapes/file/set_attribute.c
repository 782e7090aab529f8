// tries: to hang an extended attribute on a file outside
// works: user attributes need no more than write permission, and no open
// see: setxattr(2); MITRE ATT&CK T1564
// goal: change
#include "../kit.h"

int main(void)
{
	return MUST(setxattr(told("TARGET"), "user.mark", told("MARK"), 16, 0));
}
