// tries: to set the clock, and with it what the audit trail says
// works: root may
// see: clock_settime(2); MITRE ATT&CK T1070.006
// goal: run
// user: root
// capability: sys_time is for the clock
// alone: it is the machine's
// undo: true
#include "../kit.h"

int main(void)
{
	struct timespec now;
	struct timeval step = { 0, 1000 };
	char backwards[17] = "";

	MUST(clock_gettime(CLOCK_REALTIME, &now));
	now.tv_nsec += now.tv_nsec < 900000000 ? 50000000 : 0;
	if (clock_settime(CLOCK_REALTIME, &now)) {
		perror("clock_settime");
		MUST(adjtime(&step, NULL));
	}
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	return puts(backwards) < 0;
}
