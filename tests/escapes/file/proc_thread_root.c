// tries: to go through another thread's root link, with dots between
// works: every task's folder in /proc has a root link
// see: proc(5); path_resolution(7)
// goal: read
#include "../kit.h"

static void *wait_here(void *at)
{
	*(pid_t *)at = syscall(SYS_gettid);
	for (;;)
		pause();
}

int main(void)
{
	pthread_t thread;
	volatile pid_t tid = 0;
	char way[8192];

	MUST(-pthread_create(&thread, NULL, wait_here, (void *)&tid));
	while (!tid)
		usleep(1000);
	snprintf(way, sizeof(way), "/proc/%d/task/%d/root/tmp/../%s", getpid(), tid, env("SECRET"));
	return print_file(way);
}
