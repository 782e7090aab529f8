// tries: to enter the guarded folder and read the secret as /proc/self/cwd/secret
// works: chdir opens nothing, and the magic link needs no path
// see: CVE-2024-21626 (WORKDIR /proc/self/fd/8)
// goal: read
#include "../kit.h"

int main(void)
{
	MUST(chdir(env("GUARDED")));
	return print_file("/proc/self/cwd/secret");
}
