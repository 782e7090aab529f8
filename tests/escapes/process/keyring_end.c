// tries: to end a key that a process outside keeps in the user's keyring
// works: who may find a key may invalidate it
// see: keyctl(2) KEYCTL_INVALIDATE: Kerberos tickets and fscrypt keys lie there
// goal: run
// note: it prints what is to be printed once the key is not found any more
#include "../kit.h"

int main(void)
{
	const char *name = join("escapes-", env("WORKER"));
	long key = MUST(syscall(SYS_keyctl, KEYCTL_SEARCH, -4, "user", name, 0));

	MUST(syscall(SYS_keyctl, KEYCTL_INVALIDATE, key));
	if (syscall(SYS_keyctl, KEYCTL_SEARCH, -4, "user", name, 0) >= 0)
		return 1;
	for (const char *at = env("MARK") + strlen(env("MARK")); at-- != env("MARK");)
		putchar(*at);
	return 0;
}
