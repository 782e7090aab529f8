// tries: to be given an open descriptor of a file of debugfs by somebody outside
// works: SCM_RIGHTS hands over what its sender could open; the kernel itself was the first to mount debugfs
// see: fs/libfs.c simple_pin_fs; unix(7) SCM_RIGHTS
// first: mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug;
//   python3 $KIT/attacks/give.py $WORK/give.sock file /sys/kernel/debug/dynamic_debug/control
// goal: run
#include "../kit.h"

int main(void)
{
	char byte;

	MUST(read(handed(join(env("WORK"), "/give.sock")), &byte, 1));
	return proved();
}
