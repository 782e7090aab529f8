// tries: to read another process's memory as a file
// works: /proc/PID/mem is the process
// see: proc(5)
// goal: read
// unrecorded: fs/proc/base.c asks with PTRACE_MODE_NOAUDIT on some kernels and answers EACCES in its own words
#include "../kit.h"

int main(void)
{
	char way[64], bytes[64] = "";
	int fd;

	snprintf(way, sizeof(way), "/proc/%ld/mem", number("VICTIM"));
	fd = MUST(open(way, O_RDONLY));
	MUST(pread(fd, bytes, 63, number("VICTIM_ADDRESS")));
	return puts(bytes) < 0;
}
