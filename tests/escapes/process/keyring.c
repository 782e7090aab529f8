// tries: to read a key that a process outside keeps in the user's keyring
// works: all processes of a user share it
// see: keyrings(7); Kerberos tickets and fscrypt keys lie there
// goal: read
#include "../kit.h"

int main(void)
{
	char bytes[64] = "";
	long key = MUST(syscall(SYS_keyctl, KEYCTL_SEARCH, -4, "user", join("escapes-", env("WORKER")), 0));

	MUST(syscall(SYS_keyctl, KEYCTL_READ, key, bytes, 63));
	return puts(bytes) < 0;
}
