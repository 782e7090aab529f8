// tries: to read the kernel's log
// works: dmesg_restrict is 0 on many machines, and root may in any case
// see: syslog(2); addresses and tokens in boot lines
// goal: read
// first: echo "escape $TOKEN" >/dev/kmsg
#include "../kit.h"

int main(void)
{
	static char bytes[1 << 20];
	int length = MUST(syscall(SYS_syslog, 3, bytes, sizeof(bytes) - 1));

	for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, "escape "))
			puts(line);
	return length == 0;
}
