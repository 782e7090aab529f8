// tries: to reach the secret through another process's root
// works: the link leads into the other's namespace
// see: proc(5); nsenter(1)
// goal: read
#include "../kit.h"

int main(void)
{
	char way[8192];

	snprintf(way, sizeof(way), "/proc/%ld/root%s", number("VICTIM"), env("SECRET"));
	return print_file(way);
}
