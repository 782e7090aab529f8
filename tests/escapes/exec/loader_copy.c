// tries: the same with a loader of its own under another name
// works: any copy of the loader does
// see: ld.so(8)
// goal: run
#include "../kit.h"

int main(void)
{
	const char *loader = join(env("WORK"), "/innocent");
	int fd = MUST(open(loader, O_WRONLY | O_CREAT, 0755));

	copy_to("/lib64/ld-linux-x86-64.so.2", fd);
	close(fd);
	return MUST(execl(loader, "ls", env("PAYLOAD"), NULL));
}
