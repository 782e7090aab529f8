// tries: to have the dynamic loader run a program that may not be run
// works: the loader maps the file that it is given; no exec of the program takes place
// see: ld.so(8); the loader trick against noexec and application lists
// goal: run
#include "../kit.h"

int main(void)
{
	return MUST(execl("/lib64/ld-linux-x86-64.so.2", "ld.so", own_program("/program"), NULL));
}
