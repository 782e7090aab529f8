// tries: to set flags of a file that it may not even open to write, by its path
// works: file_setattr(2) asks only whose the file is
// see: file_setattr(2), new in Linux 6.17
// goal: change
// needs: [ "$(printf '6.17\n%s\n' "$(uname -r | cut -d. -f1-2)" | sort -V | head -n1)" = 6.17 ]
#include "../kit.h"

int main(void)
{
	struct {
		uint64_t flags;
		uint32_t extent, extents, project, cow;
	} attributes = { .flags = 0x80 };

	return MUST(syscall(469, AT_FDCWD, env("SHOWN"), &attributes, sizeof(attributes), 0));
}
