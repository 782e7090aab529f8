// tries: to have the kernel start root's program that makes keys, asked by the gate of 32 bits from code of 64
// works: the number of request_key(2) is another there
// see: arch/x86/entry/syscalls/syscall_32.tbl; request-key(8)
// first: printf '#!/bin/sh\ntouch %s/upcall\n' "$GUARDED" >/sbin/request-key; chmod 755 /sbin/request-key
// undo: rm -f /sbin/request-key
// goal: change
// needs: test -e /proc/sys/abi/vsyscall32
// alone: there is one such program
#include "../kit.h"

int main(void)
{
	/* A key that is found or made is linked to the session keyring: one of its own may be written. */
	MUST(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
	call_32(287, low("user"), low(env("MARK")), low("payload"), 0);
	perror("request_key");
	return 0;
}
