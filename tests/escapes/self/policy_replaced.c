// tries: to put a policy of its own in the place of one, or to hide the folder
// works: root renames
// see: MITRE ATT&CK T1562.001; rename(2)
// goal: change
// user: root
// watch: /etc/gatekeeper
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	const char *mine = join(env("WORK"), "/escapes.toml");

	mark(MUST(open(mine, O_WRONLY | O_CREAT, 0644)));
	if (rename(mine, "/etc/gatekeeper/policies/wide.toml"))
		perror("rename");
	else
		return 0;
	return MUST(link(join(env("WORK"), "/README"), "/etc/gatekeeper/policies/mine.toml"));
}
