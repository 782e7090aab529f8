// tries: to run a program by an O_PATH descriptor and an empty path
// works: execveat with AT_EMPTY_PATH needs no name
// see: execveat(2)
// goal: run
#include "../kit.h"

int main(void)
{
	return run_open(MUST(open(own_program("/program"), O_PATH | O_CLOEXEC)), 0);
}
