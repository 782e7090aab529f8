// tries: to write another process's memory as a file
// works: it even writes where the process itself may not
// see: proc(5); MITRE ATT&CK T1055.009
// goal: change
#include "../kit.h"

int main(void)
{
	char way[64];
	int fd;

	snprintf(way, sizeof(way), "/proc/%ld/mem", number("VICTIM"));
	fd = MUST(open(way, O_RDWR));
	MUST(pwrite(fd, "written", 7, number("VICTIM_ADDRESS") + 40));
	usleep(100000);
	return 0;
}
