// tries: to open the machine's memory
// works: root may, as far as the kernel's configuration lets it
// see: mem(4); MITRE ATT&CK T1014
// goal: hold /
// user: root
// needs: test -c /dev/mem -o -c /dev/port
#include "../kit.h"

int main(void)
{
	if (open("/dev/mem", O_RDONLY) < 0 && open("/dev/port", O_RDONLY) < 0)
		MUST(-1);
	return holding();
}
