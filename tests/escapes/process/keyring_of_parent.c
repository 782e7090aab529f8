// tries: to give the process that started it another session keyring
// works: a child may replace its parent's, which then uses the child's keys
// see: keyctl(2) KEYCTL_SESSION_TO_PARENT
// goal: run
#include "../kit.h"

int main(void)
{
	long mine = MUST(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0));

	if (!MUST(fork())) {
		MUST(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
		MUST(syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT));
		_exit(0);
	}
	wait(NULL);
	/* It gets the keyring when it next returns from the kernel. */
	usleep(1000);
	return MUST(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0)) == mine || proved();
}
