// tries: to open a performance counter on itself, the start of perf exploits
// works: open to all where perf_event_paranoid lets it
// see: CVE-2013-2094, CVE-2023-5717
// goal: hold anon_inode:[perf_event]
#include "../kit.h"

int main(void)
{
	struct perf_event_attr what = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(what),
					.config = PERF_COUNT_SW_PAGE_FAULTS, .exclude_kernel = 1 };

	MUST(syscall(SYS_perf_event_open, &what, 0, -1, -1, 0));
	return holding();
}
