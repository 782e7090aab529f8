// tries: to run a program of its own through a link whose name may run
// works: execve follows links
// see: execve(2); symlink(7)
// goal: run
#include "../kit.h"

int main(void)
{
	const char *link = join(env("WORK"), "/kit");

	own_program("/program");
	MUST(symlink("program", link));
	return MUST(execl(link, "/srv/escapes/kit/kit", NULL));
}
