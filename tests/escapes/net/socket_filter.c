// tries: to attach a BPF program to a socket of its own
// works: classic filters need no right at all
// see: CVE-2016-4557, CVE-2021-3490; socket(7) SO_ATTACH_FILTER
// goal: run
#include "../kit.h"

#include <linux/filter.h>

int main(void)
{
	struct sock_filter pass = { 6, 0, 0, 0xffff };
	struct sock_fprog program = { 1, &pass };
	char backwards[17] = "";

	MUST(setsockopt(MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	return puts(backwards) < 0;
}
