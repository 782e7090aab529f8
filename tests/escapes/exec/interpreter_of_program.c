// tries: to start an allowed program's copy that names a loader of the attacker's
// works: PT_INTERP is a path like others, and patching it takes a text search
// see: elf(5) PT_INTERP
// goal: run
#include "../kit.h"

int main(void)
{
	char bytes[65536];
	const char *path = join(env("WORK"), "/patched");
	int fd = MUST(open(env("PAYLOAD"), O_RDONLY)), out = MUST(open(path, O_WRONLY | O_CREAT, 0755));
	ssize_t length = MUST(read(fd, bytes, sizeof(bytes)));
	char *at = memmem(bytes, length, "/lib64/ld-linux", 15);
	const char *short_name = join("/tmp/", env("WORKER"));

	/* A short name for the loader's copy fits into the old one's room. */
	int loader = MUST(open(short_name, O_WRONLY | O_CREAT, 0755));
	copy_to("/lib64/ld-linux-x86-64.so.2", loader);
	close(loader);
	if (at)
		strcpy(at, short_name);
	MUST(write(out, bytes, length));
	close(out);
	return MUST(execl(path, "patched", NULL));
}
