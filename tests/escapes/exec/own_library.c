// tries: to load a library from the workspace into a program that may run
// works: dlopen takes any path
// see: dlopen(3); MITRE ATT&CK T1129
// goal: run
#include "../kit.h"

int main(void)
{
	const char *path = join(env("WORK"), "/libx.so");
	int fd = MUST(open(path, O_WRONLY | O_CREAT, 0755));

	copy_to(env("PAYLOAD_LIBRARY"), fd);
	close(fd);
	if (!dlopen(path, RTLD_NOW))
		return puts(dlerror()), 1;
	return 0;
}
