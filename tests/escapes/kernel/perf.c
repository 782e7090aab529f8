// tries: to watch a process outside by performance counters
// works: same user, and perf_event_paranoid lets it
// see: perf_event_open(2); CVE-2023-5717; side channels
// goal: hold anon_inode:[perf_event]
#include "../kit.h"

int main(void)
{
	struct perf_event_attr what = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(what),
					.config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1 };

	MUST(syscall(SYS_perf_event_open, &what, number("VICTIM"), -1, -1, 0));
	return holding();
}
