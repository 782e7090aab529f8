// tries: to read the kernel's log
// works: dmesg_restrict is 0 on many machines, and root may in any case
// see: syslog(2); addresses and tokens in boot lines
// goal: read
// first: echo "escape $TOKEN" >/dev/kmsg
#include "../kit.h"

int main(void)
{
	static char bytes[1 << 20];
	int length = MUST(syscall(SYS_syslog, 3, bytes, sizeof(bytes) - 1));

	if (length > 3000)
		return fwrite(bytes + length - 3000, 1, 3000, stdout) == 0;
	return fwrite(bytes, 1, length, stdout) == 0;
}
