// tries: to move a process outside into another group, or see that it can't
// works: root may write another's OOM score, which decides who dies first
// see: proc(5) oom_score_adj
// goal: harm
#include "../kit.h"

int main(void)
{
	char way[64];

	snprintf(way, sizeof(way), "/proc/%ld/oom_score_adj", number("VICTIM"));
	write_text(way, "1000");
	return 0;
}
