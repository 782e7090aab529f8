// tries: to run a program whose file is deleted already
// works: an open file outlives its name
// see: execveat(2); unlink(2)
// goal: run
#include "../kit.h"

int main(void)
{
	const char *path = own_program("/program");
	int fd = MUST(open(path, O_PATH));

	MUST(unlink(path));
	return run_open(fd, 0);
}
