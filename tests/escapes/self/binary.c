// tries: to replace gatekeeper's program, for the daemon's next start
// works: root renames over a running program
// see: MITRE ATT&CK T1554 Compromise Host Software Binary
// goal: change
// user: root
// first: stat -c %i /usr/bin/gatekeeper >inode; cp -a /usr/bin/gatekeeper /run/gatekeeper-kept
// watch: /usr/bin/gatekeeper
// undo: mv /run/gatekeeper-kept /usr/bin/gatekeeper
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	const char *mine = join(env("WORK"), "/gatekeeper");

	close(MUST(open(mine, O_WRONLY | O_CREAT, 0755)));
	return MUST(rename(mine, "/usr/bin/gatekeeper"));
}
