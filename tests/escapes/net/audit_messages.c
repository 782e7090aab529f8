// tries: to forge the kernel's audit trail
// works: root may send to NETLINK_AUDIT
// see: audit_log_user_message(3); MITRE ATT&CK T1562
// goal: hold socket:16
// user: root
#include "../kit.h"

int main(void)
{
	MUST(socket(AF_NETLINK, SOCK_RAW, 9));
	return holding();
}
