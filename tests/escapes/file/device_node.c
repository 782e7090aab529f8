// tries: to make a node of the disk in the workspace and read the disk past all file rules
// works: root may make device nodes, and the disk has all files in it
// see: CWE-250; the classic escape from a privileged container
// goal: hold $WORK/disk
// user: root
#include "../kit.h"

int main(void)
{
	const char *path = join(env("WORK"), "/disk");
	struct stat is;

	MUST(stat(env("SECRET"), &is));
	MUST(mknod(path, S_IFBLK | 0600, is.st_dev));
	MUST(open(path, O_RDONLY));
	return holding();
}
