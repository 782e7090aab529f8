// tries: to map a file outside and write into the map
// works: a shared mapping writes without write(2)
// see: mmap(2) MAP_SHARED
// goal: change
#include "../kit.h"

int main(void)
{
	int fd = MUST(open(env("TARGET"), O_RDWR));
	char *at = mmap(0, 9, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		must(-1, "mmap");
	memcpy(at, "mapped", 6);
	return MUST(msync(at, 9, MS_SYNC));
}
