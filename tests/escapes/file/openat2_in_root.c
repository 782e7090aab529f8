// tries: to open the secret with RESOLVE_IN_ROOT below a descriptor of its folder
// works: "/" then means that folder, and the path seen is /secret
// see: openat2(2)
// goal: read
#include "../kit.h"

int main(void)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT };
	int folder = MUST(open(env("GUARDED"), O_PATH | O_DIRECTORY));

	return print_from(MUST(syscall(SYS_openat2, folder, "/secret", &how, sizeof(how))));
}
