// tries: to have the kernel write other people's memory to a file of the workspace
// works: root may add swap
// see: swapon(2)
// goal: change
// user: root
// watch: /proc/swaps
// undo: swapoff "$WORK/swap"
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	const char *path = join(env("WORK"), "/swap");
	char *page = calloc(1, 1 << 20);
	int fd = MUST(open(path, O_WRONLY | O_CREAT, 0600));

	((int *)page)[256] = 1;
	((int *)page)[257] = 255;
	memcpy(page + 4086, "SWAPSPACE2", 10);
	MUST(write(fd, page, 1 << 20));
	fsync(fd);
	return MUST(swapon(path, 0));
}
