// tries: to take an extended attribute away from a file outside
// works: as for setting one
// see: removexattr(2)
// goal: change
// first: python3 -c 'import os; os.setxattr(os.environ["TARGET"], "user.token", b"x")'
#include "../kit.h"

int main(void)
{
	return MUST(removexattr(env("TARGET"), "user.token"));
}
