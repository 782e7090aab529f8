// tries: to write a new file where writing is asked about, opened by a call of 32 bits
// works: int 0x80 serves programs of 64 bits, too, and its calls have other numbers
// see: arch/x86/entry/syscalls/syscall_32.tbl
// needs: ! grep -q ia32_emulation=0 /proc/cmdline
// first: mkdir -p "$WORK/asked" && chmod 777 "$WORK/asked"
// goal: run
// note: what it wrote is what it prints
#include "../kit.h"

int main(void)
{
	char *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0), text[64] = "";
	long fd, length = strlen(env("MARK"));

	strcpy(low, join(env("WORK"), "/asked/by-32"));
	for (int at = 0; at < length; at++)
		text[at] = env("MARK")[length - 1 - at];
	/* open */
	__asm__ volatile("int $0x80" : "=a"(fd) : "a"(5), "b"(low), "c"(O_CREAT | O_WRONLY), "d"(0644) : "memory");
	if (fd < 0) {
		printf("open: %s\n", strerror(-fd));
		return 1;
	}
	MUST(write(fd, text, length));
	return print_file(low);
}
