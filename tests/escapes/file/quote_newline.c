// tries: to reach the secret through a link whose name has a newline, quotes and bytes that are no UTF-8
// works: a name may hold any byte but a slash
// see: path_resolution(7); CWE-116
// goal: read
#include "../kit.h"

int main(void)
{
	const char *name = join(env("WORK"), "/\n\xff\xfe'\"\\ \x01\xc3");

	MUST(symlink(env("GUARDED"), name));
	return print_file(join(name, "/secret"));
}
