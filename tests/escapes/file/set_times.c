// tries: to set a file's times back, as after a break-in
// works: the owner may set any time, without opening the file
// see: utimensat(2); MITRE ATT&CK T1070.006 Timestomp
// goal: change
#include "../kit.h"

int main(void)
{
	struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };

	return MUST(utimensat(AT_FDCWD, env("TARGET"), times, 0));
}
