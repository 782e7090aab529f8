// tries: to open the secret relative to an O_PATH descriptor of its folder
// works: openat needs no path of the folder
// see: openat(2)
// goal: read
#include "../kit.h"

int main(void)
{
	int folder = MUST(open(env("GUARDED"), O_PATH | O_DIRECTORY));

	return print_from(MUST(openat(folder, "secret", O_RDONLY)));
}
