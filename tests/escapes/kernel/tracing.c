// tries: to trace the whole kernel by tracefs
// works: root may, and probes read anybody's memory
// see: tracefs; MITRE ATT&CK T1056
// goal: change
// user: root
// watch: /sys/kernel/tracing/kprobe_events
// undo: echo >/sys/kernel/tracing/kprobe_events
// alone: it is the machine's
// needs: test -w /sys/kernel/tracing/kprobe_events
#include "../kit.h"

int main(void)
{
	int fd = MUST(open("/sys/kernel/tracing/kprobe_events", O_WRONLY | O_APPEND));

	return MUST(dprintf(fd, "p:escape do_sys_openat2\n")) < 0;
}
