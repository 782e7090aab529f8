// tries: to empty the audit trail
// works: root truncates files
// see: MITRE ATT&CK T1070.002 Clear Linux Logs
// goal: run
// user: root
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	char backwards[17] = "";
	int fd = MUST(open("/var/lib/gatekeeper/trail/checkpoints", O_WRONLY | O_APPEND));

	MUST(write(fd, "", 0));
	close(fd);
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	return puts(backwards) < 0;
}
