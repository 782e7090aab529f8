// tries: to make the guarded folder the root of a mount namespace of its own
// works: pivot_root is how containers begin
// see: pivot_root(2)
// goal: read
#include "../kit.h"

int main(void)
{
	own_namespaces(CLONE_NEWNS);
	MUST(mount(env("GUARDED"), env("GUARDED"), NULL, MS_BIND, NULL));
	MUST(chdir(env("GUARDED")));
	MUST(syscall(SYS_pivot_root, ".", "."));
	return print_file("/secret");
}
