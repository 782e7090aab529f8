// tries: to move a file away and leave a whiteout device in its place
// works: RENAME_WHITEOUT makes a device node without mknod
// see: renameat2(2); kernel fs/overlayfs
// goal: change
// user: root
#include "../kit.h"

int main(void)
{
	MUST(renameat2(AT_FDCWD, env("TARGET"), AT_FDCWD, join(env("WORK"), "/moved"), RENAME_WHITEOUT));
	return 0;
}
