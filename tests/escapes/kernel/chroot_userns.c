// tries: the same in a user namespace of its own
// works: CAP_SYS_CHROOT is free there
// see: user_namespaces(7)
// goal: read
#include "../kit.h"

int main(void)
{
	own_namespaces(0);
	MUST(chroot(env("GUARDED")));
	return print_file("/secret");
}
