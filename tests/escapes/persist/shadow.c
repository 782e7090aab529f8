// tries: to read the password hashes
// works: root reads them
// see: MITRE ATT&CK T1003.008
// goal: hold /etc/shadow
// user: root
#include "../kit.h"

int main(void)
{
	MUST(open("/etc/shadow", O_RDONLY));
	return holding();
}
