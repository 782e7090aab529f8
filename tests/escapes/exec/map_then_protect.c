// tries: to map a file for reading and make the pages executable afterwards
// works: mprotect changes what mmap was asked for
// see: mprotect(2); SELinux execmod
// goal: run
#include "../kit.h"

int main(void)
{
	/* write(1, backwards, 16); return: the mark is handed in. */
	static const unsigned char code[] = { 0xb8, 1, 0, 0, 0, 0x48, 0x89, 0xfe, 0xbf, 1, 0, 0, 0, 0xba, 16, 0, 0, 0,
					      0x0f, 0x05, 0xc3 };
	char backwards[17] = "";
	int fd = MUST(open(join(env("WORK"), "/code"), O_RDWR | O_CREAT, 0755));
	char *page;

	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	MUST(write(fd, code, sizeof(code)));
	page = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	MUST(mprotect(page, 4096, PROT_READ | PROT_EXEC));
	((void (*)(char *))page)(backwards);
	return 0;
}
