// tries: to remove a file outside
// works: the folder is the user's own
// see: unlink(2)
// goal: change
#include "../kit.h"

int main(void)
{
	return MUST(unlink(env("TARGET")));
}
