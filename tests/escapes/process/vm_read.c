// tries: to read another process's memory in one call
// works: process_vm_readv needs no attaching
// see: process_vm_readv(2)
// goal: read
#include "../kit.h"

int main(void)
{
	char bytes[64] = "";
	struct iovec near = { bytes, 63 }, far = { (void *)number("VICTIM_ADDRESS"), 63 };

	MUST(process_vm_readv(number("VICTIM"), &near, 1, &far, 1, 0));
	return puts(bytes) < 0;
}
