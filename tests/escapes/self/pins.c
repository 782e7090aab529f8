// tries: to delete the pins of the programs that the kernel runs
// works: root removes files from bpffs
// see: MITRE ATT&CK T1562.001; bpf(2) BPF_OBJ_PIN
// goal: change
// user: root
// watch: /sys/fs/bpf/gatekeeper/spare
// first: mkdir -p /sys/fs/bpf/gatekeeper/spare
// undo: rmdir /sys/fs/bpf/gatekeeper/spare
// alone: there is one daemon
// note: a spare folder stands for the pins, so that the control does no harm
#include "../kit.h"

int main(void)
{
	return MUST(rmdir("/sys/fs/bpf/gatekeeper/spare"));
}
