// tries: to change how the system starts the daemon
// works: root writes unit files
// see: MITRE ATT&CK T1543.002
// goal: change
// user: root
// first: mkdir -p /etc/systemd/system
// watch: /etc/systemd
// undo: rm -rf /etc/systemd/system/gatekeeper.service.d
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	MUST(mkdir("/etc/systemd/system/gatekeeper.service.d", 0755));
	MUST(dprintf(MUST(open("/etc/systemd/system/gatekeeper.service.d/x.conf", O_WRONLY | O_CREAT, 0644)), "x\n"));
	return 0;
}
