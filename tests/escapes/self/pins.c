// tries: to delete the pins that keep the programs in the kernel
// works: root removes files from bpffs
// see: MITRE ATT&CK T1562.001; bpf(2) BPF_OBJ_PIN
// goal: change
// user: root
// watch: /sys/fs/bpf/gatekeeper
// alone: there is one daemon
#include "../kit.h"

#include <ftw.h>

static int pins_remove(const char *path, const struct stat *is, int kind, struct FTW *at)
{
	if (remove(path))
		perror(path);
	return 0;
}

int main(void)
{
	return nftw("/sys/fs/bpf/gatekeeper", pins_remove, 8, FTW_DEPTH | FTW_PHYS);
}
