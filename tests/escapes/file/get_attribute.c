// tries: to read a token from an extended attribute
// works: getxattr does not open the file
// see: getxattr(2)
// goal: read
// first: python3 -c 'import os; os.setxattr(os.environ["TARGET"], "user.token", os.environ["TOKEN"].encode())'
#include "../kit.h"

int main(void)
{
	char value[64] = "";

	MUST(getxattr(env("TARGET"), "user.token", value, 63));
	return puts(value) < 0;
}
