// tries: to load another kernel, to be started at will
// works: root may
// see: kexec_load(2); MITRE ATT&CK T1014
// goal: change
// user: root
// watch: /sys/kernel/kexec_loaded /sys/kernel/kexec/loaded
// needs: test -e /sys/kernel/kexec_loaded
// undo: python3 -c 'import ctypes; ctypes.CDLL(None).syscall(246, 0, 0, None, 0)'
// alone: it is the machine's
#include "../kit.h"

int main(void)
{
	struct { void *from; size_t size; unsigned long to, room; } part = { calloc(1, 4096), 4096, 0x1000000, 4096 };

	return MUST(syscall(SYS_kexec_load, 0x1000000, 1, &part, 0x3e0000));
}
