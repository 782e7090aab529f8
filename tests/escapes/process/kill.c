// tries: to end a process of the same user outside
// works: same user
// see: kill(2); MITRE ATT&CK T1489
// goal: harm
#include "../kit.h"

int main(void)
{
	return MUST(kill(number("VICTIM"), SIGKILL));
}
