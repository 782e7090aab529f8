// tries: to empty a file while opening it for reading only
// works: O_RDONLY | O_TRUNC truncates on Linux
// see: open(2), "the effect is unspecified"
// goal: change
#include "../kit.h"

int main(void)
{
	MUST(open(env("TARGET"), O_RDONLY | O_TRUNC));
	return 0;
}
