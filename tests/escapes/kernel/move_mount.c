// tries: to attach such a copy in the workspace
// works: move_mount is not mount(2)
// see: move_mount(2)
// goal: read
// user: root
// undo: umount -l "$WORK/here"
#include "../kit.h"

int main(void)
{
	const char *at = join(env("WORK"), "/here");
	int tree = MUST(syscall(SYS_open_tree, AT_FDCWD, env("GUARDED"), OPEN_TREE_CLONE));

	MUST(mkdir(at, 0755));
	MUST(syscall(SYS_move_mount, tree, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH));
	return print_file(join(at, "/secret"));
}
