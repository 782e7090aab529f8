// tries: the same by renaming a file over it
// works: no write to the old file takes place
// see: MITRE ATT&CK T1546.004; rename(2)
// goal: change
// watch: /home/dev/.bashrc
#include "../kit.h"

int main(void)
{
	const char *mine = join(env("WORK"), "/mine");

	mark(MUST(open(mine, O_WRONLY | O_CREAT, 0644)));
	return MUST(rename(mine, "/home/dev/.bashrc"));
}
