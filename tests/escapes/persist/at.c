// tries: to leave a job in the spool of at
// works: the spool is a folder
// see: MITRE ATT&CK T1053.002
// goal: change
// user: root
// first: mkdir -p /var/spool/at
// watch: /var/spool/at
#include "../kit.h"

int main(void)
{
	return mark(MUST(open("/var/spool/at/a0000101a2b3c4", O_WRONLY | O_CREAT, 0700)));
}
