// tries: to end a key that a process outside keeps in the user's keyring, by the gate of 32 bits from code of 64
// works: the number of keyctl(2) is another there, and so are the registers of its arguments
// see: arch/x86/entry/syscalls/syscall_32.tbl; keyctl(2) KEYCTL_INVALIDATE
// goal: run
// needs: test -e /proc/sys/abi/vsyscall32
// note: it prints what is to be printed once the key is not found any more
#include "../kit.h"

int main(void)
{
	const char *name = join("escapes-", env("WORKER"));
	long key = MUST(syscall(SYS_keyctl, KEYCTL_SEARCH, -4, "user", name, 0));

	MUST(call_32(288, KEYCTL_INVALIDATE, key, 0, 0));
	if (syscall(SYS_keyctl, KEYCTL_SEARCH, -4, "user", name, 0) >= 0)
		return 1;
	return proved();
}
