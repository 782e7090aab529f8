// tries: to become root by a setuid program
// works: the kernel changes the user at exec
// see: sudo(8); CVE-2021-3156, CVE-2021-4034
// goal: change
// first: printf 'dev ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/escapes; chmod 440 /etc/sudoers.d/escapes
// undo: rm -f /etc/sudoers.d/escapes
// alone: sudo is everybody's
#include "../kit.h"

int main(void)
{
	return MUST(execl("/usr/bin/sudo", "sudo", "-n", "touch", join(env("GUARDED"), "/by-root"), NULL));
}
