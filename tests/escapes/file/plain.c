// tries: to open the secret by its name
// works: the file is the user's own, and so is the process
// see: open(2); CWE-200
// goal: read
#include "../kit.h"

int main(void)
{
	return print_file(env("SECRET"));
}
