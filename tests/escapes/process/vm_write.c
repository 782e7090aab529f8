// tries: to write into an unlabelled process of the same user
// works: process_vm_writev asks what ptrace asks
// see: process_vm_writev(2); MITRE ATT&CK T1055
// goal: change
#include "../kit.h"

int main(void)
{
	char bytes[8] = "written";
	struct iovec near = { bytes, 8 }, far = { (void *)number("VICTIM_ADDRESS") + 40, 8 };

	MUST(process_vm_writev(number("VICTIM"), &near, 1, &far, 1, 0));
	usleep(100000);
	return 0;
}
