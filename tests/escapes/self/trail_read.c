// tries: to learn from the audit trail what is refused and what is not watched
// works: root reads files
// see: MITRE ATT&CK T1518.001 Security Software Discovery
// goal: hold /var/lib/gatekeeper
// user: root
// alone: there is one daemon
#include "../kit.h"

int main(void)
{
	MUST(open("/var/lib/gatekeeper/trail/checkpoints", O_RDONLY));
	return holding();
}
