// tries: to read a file whose path is longer than 4,096 bytes
// works: PATH_MAX bounds a call's argument, not a file's place
// see: getcwd(3), "unreachable"; CVE-2018-1000001
// goal: read
// first: n=$(printf 'n%.0s' $(seq 240)); cd "$GUARDED"; for i in $(seq 20); do mkdir $n; cd -P $n; done; cp "$SECRET" here; chown 1000 here; cd "$GUARDED"; chown -R 1000:1000 $n
#include "../kit.h"

int main(void)
{
	char name[241] = "";

	memset(name, 'n', 240);
	MUST(chdir(told("GUARDED")));
	for (int i = 0; i < 20; i++)
		MUST(chdir(name));
	return print_file("here");
}
