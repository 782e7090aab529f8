// tries: to unmount the whole of bpffs
// works: root unmounts
// see: umount(2); MITRE ATT&CK T1562.001
// goal: change
// user: root
// watch: /proc/self/mounts
// first: mkdir -p /run/escape-bpf; mount -t bpf none /run/escape-bpf
// undo: umount -l /run/escape-bpf
// alone: there is one daemon
// note: a second one stands for it, so that the control does no harm
#include "../kit.h"

int main(void)
{
	return MUST(umount2("/run/escape-bpf", MNT_DETACH));
}
