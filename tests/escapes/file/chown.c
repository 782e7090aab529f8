// tries: to give a file outside away
// works: root may, without opening it
// see: lchown(2)
// goal: change
// user: root
#include "../kit.h"

int main(void)
{
	return MUST(lchown(env("TARGET"), 0, 0));
}
