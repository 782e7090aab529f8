// tries: to start a forbidden program as the interpreter of a script
// works: the first line of a script names any program
// see: execve(2), "Interpreter scripts"
// goal: run
#include "../kit.h"

int main(void)
{
	const char *path = join(env("WORK"), "/script");
	int fd = MUST(open(path, O_WRONLY | O_CREAT, 0755));

	MUST(dprintf(fd, "#!%s\n", own_program("/program")));
	close(fd);
	return MUST(execl(path, "script", NULL));
}
