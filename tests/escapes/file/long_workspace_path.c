// tries: to make a link at the end of a path longer than the walker's limit, inside the workspace
// works: what can't be resolved might be let
// see: CWE-626, truncated paths; getcwd(3)
// goal: read
#include "../kit.h"

int main(void)
{
	char name[201] = "";

	memset(name, 'w', 200);
	for (int i = 0; i < 25; i++) {
		MUST(mkdir(name, 0755));
		MUST(chdir(name));
	}
	if (link(env("SECRET"), "here"))
		perror("link");
	if (rename(env("SECRET"), "here"))
		perror("rename");
	return print_file("here");
}
