// tries: to have the kernel choose the daemon first when memory is short
// works: root writes anybody's score
// see: proc(5) oom_score_adj
// goal: run
// user: root
// alone: there is one daemon
// undo: echo 0 >/proc/$DAEMON/oom_score_adj
#include "../kit.h"

int main(void)
{
	char way[64], backwards[17] = "";

	snprintf(way, sizeof(way), "/proc/%ld/oom_score_adj", number("DAEMON"));
	write_text(way, "1000");
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	return puts(backwards) < 0;
}
