// tries: to take a detached copy of a tree of mounts, in which paths begin anew
// works: open_tree with OPEN_TREE_CLONE needs no place to mount at
// see: open_tree(2); CVE-2022-0185's calls
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	int tree = MUST(syscall(SYS_open_tree, AT_FDCWD, env("GUARDED"), OPEN_TREE_CLONE | AT_RECURSIVE));

	return print_from(MUST(openat(tree, "secret", O_RDONLY)));
}
