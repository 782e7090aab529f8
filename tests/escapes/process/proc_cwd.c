// tries: to reach the secret through another process's working folder
// works: the victim stands in the guarded folder
// see: proc(5)
// goal: read
#include "../kit.h"

int main(void)
{
	char way[64];

	snprintf(way, sizeof(way), "/proc/%ld/cwd/secret", number("VICTIM"));
	return print_file(way);
}
