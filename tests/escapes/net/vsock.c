// tries: to talk to the machine's host, or here to itself, by vsock
// works: no address rules speak of it
// see: vsock(7); exfiltration from virtual machines
// goal: reach
// needs: modprobe vsock_loopback
#include "../kit.h"

int main(void)
{
	struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_port = number("PORT"), .svm_cid = 1 };
	int s = MUST(socket(AF_VSOCK, SOCK_STREAM, 0));

	MUST(connect(s, (void *)&to, sizeof(to)));
	return mark(s);
}
