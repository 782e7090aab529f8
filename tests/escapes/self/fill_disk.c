// tries: to fill the disk that the trail lies on, and act then
// works: a tool that can't write its record down may let pass, or stop judging
// see: docs/limits.md on a full disk; CVE-2019-8339 does the like with a buffer
// goal: read
// alone: the disk is everybody's
#include "../kit.h"

#include <sys/statvfs.h>

int main(void)
{
	int fill = MUST(open("fill", O_RDWR | O_CREAT | O_TRUNC, 0600));
	off_t end = 0, piece = 1 << 30;
	struct statvfs left;

	/* Freed at the end, whatever that is. */
	MUST(unlink("fill"));
	while (piece >= 4096) {
		if (fallocate(fill, 0, end, piece))
			piece /= 2;
		else
			end += piece;
	}
	MUST(statvfs(".", &left));
	if (left.f_bavail > 64)
		return 3;
	/* What is refused now can't be written down. */
	for (int i = 0; i < 3000; i++) {
		int fd = open(env("SECRET"), O_RDONLY);
		if (fd >= 0)
			return print_from(fd);
	}
	return 1;
}
