// tries: to enter the process group of a process outside, which then gets the terminal's signals for it
// works: any group of the same login session can be entered
// see: setpgid(2); a reader in the background stops its whole group (SIGTTIN)
// goal: run
#include "../kit.h"

int main(void)
{
	MUST(setpgid(0, MUST(getpgid(number("VICTIM")))));
	return getpgrp() != getpgid(number("VICTIM")) || proved();
}
