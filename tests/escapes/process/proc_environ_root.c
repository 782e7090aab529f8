// tries: the same as root
// works: root reads every process
// see: proc(5); docs/limits.md on CAP_PERFMON
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	char way[64], bytes[4096];
	ssize_t length;

	snprintf(way, sizeof(way), "/proc/%ld/environ", number("VICTIM"));
	length = MUST(read(MUST(open(way, O_RDONLY)), bytes, sizeof(bytes)));
	return fwrite(bytes, 1, length, stdout) == 0;
}
