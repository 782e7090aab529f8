// tries: to make a secret readable for all
// works: the file is the user's own
// see: chmod(2); CWE-732
// goal: change
#include "../kit.h"

int main(void)
{
	return MUST(chmod(env("SECRET"), 0666));
}
