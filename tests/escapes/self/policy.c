// tries: to widen the policy that binds it
// works: root writes to /etc
// see: MITRE ATT&CK T1562.001; T1484
// goal: change
// user: root
// watch: /etc/gatekeeper /usr/share/gatekeeper
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	int done = 0, fd = open("/etc/gatekeeper/policies/escapes.toml", O_WRONLY | O_APPEND);

	perror("open");
	if (fd >= 0)
		done = write(fd, "#\n", 2) == 2;
	fd = open("/usr/share/gatekeeper/policies/base.toml", O_WRONLY | O_APPEND);
	perror("open");
	if (fd >= 0)
		done |= write(fd, "#\n", 2) == 2;
	return !done;
}
