// tries: to make the guarded folder its root, where the secret is /secret
// works: root may, and paths begin there
// see: chroot(2); the double chroot escape
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	MUST(chroot(env("GUARDED")));
	return print_file("/secret");
}
