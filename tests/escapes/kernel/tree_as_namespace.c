// tries: to make a folder the root of its own namespace, where rules know other paths
// works: since Linux 7.1 open_tree(2) gives a namespace with a copy of a folder for its root
// see: open_tree(2) OPEN_TREE_NAMESPACE; setns(2)
// goal: read
// user: root
// needs: python3 -c 'import ctypes, os, sys; fd = ctypes.CDLL(None).syscall(428, -100, b"/srv", 2 | 0x80000); sys.exit(fd < 0)'
#include "../kit.h"

int main(void)
{
	int fd = MUST(syscall(SYS_open_tree, AT_FDCWD, env("GUARDED"), 2 | O_CLOEXEC));

	MUST(setns(fd, CLONE_NEWNS));
	return print_file("/secret");
}
