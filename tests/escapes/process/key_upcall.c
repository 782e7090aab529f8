// tries: to have the kernel start root's program that makes keys, with arguments of the attacker's choice
// works: a key that is asked for and not there is made by /sbin/request-key, outside any session
// see: request_key(2); request-key(8): key.dns_resolver asks name servers, cifs.upcall reads tickets
// first: printf '#!/bin/sh\ntouch %s/upcall\n' "$GUARDED" >/sbin/request-key; chmod 755 /sbin/request-key
// undo: rm -f /sbin/request-key
// goal: change
// alone: there is one such program
#include "../kit.h"

int main(void)
{
	syscall(SYS_request_key, "user", env("MARK"), "payload", 0);
	perror("request_key");
	return 0;
}
