// tries: to write files into a mount that is nowhere, and run a program from there
// works: no path leads to a detached mount
// see: fsmount(2)
// goal: run
// user: root
#include "../kit.h"

int main(void)
{
	int fs = MUST(syscall(SYS_fsopen, "tmpfs", 0)), at, program;

	MUST(syscall(SYS_fsconfig, fs, 6, NULL, NULL, 0));
	at = MUST(syscall(SYS_fsmount, fs, 0, 0));
	program = MUST(openat(at, "program", O_WRONLY | O_CREAT, 0755));
	copy_to(env("PAYLOAD"), program);
	close(program);
	return run_open(MUST(openat(at, "program", O_PATH)), 0);
}
