// tries: to get at the kernel's ciphers
// works: AF_ALG is open for all users
// see: CVE-2019-8912, CVE-2025-38079; a large attack surface
// goal: hold socket:38
// needs: modprobe algif_hash
#include "../kit.h"

int main(void)
{
	MUST(socket(AF_ALG, SOCK_SEQPACKET, 0));
	return holding();
}
