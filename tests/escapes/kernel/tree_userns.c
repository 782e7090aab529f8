// tries: the same in namespaces of its own
// works: open_tree asks for the capability over one's own mounts
// see: open_tree(2); user_namespaces(7)
// goal: read
#include "../kit.h"

int main(void)
{
	int tree;

	own_namespaces(CLONE_NEWNS);
	tree = MUST(syscall(SYS_open_tree, AT_FDCWD, env("GUARDED"), OPEN_TREE_CLONE | AT_RECURSIVE));
	return print_from(MUST(openat(tree, "secret", O_RDONLY)));
}
