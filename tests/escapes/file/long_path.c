// tries: to read a file whose path is longer than 4,096 bytes
// works: PATH_MAX bounds a call's argument, not a file's place
// see: getcwd(3), "unreachable"; CVE-2018-1000001
// goal: read
// first: python3 -S -c "import os; e = os.environ; n = 'n' * 240; os.chdir(e['GUARDED']); t = open('secret').read(); [(os.mkdir(n), os.chown(n, 1000, 1000), os.chdir(n)) for _ in range(20)]; open('here', 'w').write(t); os.chown('here', 1000, 1000)"
#include "../kit.h"

int main(void)
{
	char name[241] = "";

	memset(name, 'n', 240);
	MUST(chdir(env("GUARDED")));
	for (int i = 0; i < 20; i++)
		MUST(chdir(name));
	return print_file("here");
}
