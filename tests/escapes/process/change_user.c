// tries: to act as another user after the label was given
// works: root may become anybody
// see: setresuid(2); design, invariant 1
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	MUST(setresgid(1000, 1000, 1000));
	MUST(setresuid(1000, 1000, 1000));
	return print_file(env("SECRET"));
}
