// tries: to get an O_PATH descriptor, which no open checks, and reopen it for reading
// works: /proc/self/fd/N opens the file behind a descriptor anew
// see: open(2) O_PATH; CVE-2023-32233's exploit used it so
// goal: read
#include "../kit.h"

int main(void)
{
	char way[64];

	snprintf(way, sizeof(way), "/proc/self/fd/%d", (int)MUST(open(env("SECRET"), O_PATH)));
	return print_file(way);
}
