// tries: to empty a file outside by its name, without opening it
// works: truncate(2) takes a path
// see: truncate(2)
// goal: change
#include "../kit.h"

int main(void)
{
	return MUST(truncate(env("TARGET"), 0));
}
