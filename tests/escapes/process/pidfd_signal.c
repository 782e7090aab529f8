// tries: to stop a process outside by a descriptor of it
// works: a pidfd of any process can be had
// see: pidfd_send_signal(2)
// goal: harm
#include "../kit.h"

int main(void)
{
	return MUST(syscall(SYS_pidfd_send_signal, MUST(syscall(SYS_pidfd_open, number("VICTIM"), 0)), SIGSTOP, 0, 0));
}
