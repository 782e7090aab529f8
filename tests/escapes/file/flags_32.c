// tries: to set flags of a file that it may only read, by a system call of 32 bits
// works: int 0x80 serves programs of 64 bits, too, and its ioctl(2) has numbers and a hook of its own
// see: syscalls(2); fs/ioctl.c, compat ioctl
// goal: change
// needs: ! grep -q ia32_emulation=0 /proc/cmdline
#include "../kit.h"

int main(void)
{
	long fd = MUST(open(env("SHOWN"), O_RDONLY)), result;
	int *flags = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	MUST(ioctl(fd, _IOR('f', 1, long), flags));
	*flags |= 0x40;
	asm volatile("int $0x80" : "=a"(result) : "a"(54), "b"(fd), "c"(_IOW('f', 2, int)), "d"(flags) : "memory");
	if (result < 0)
		errno = -result;
	return must(result, "ioctl");
}
