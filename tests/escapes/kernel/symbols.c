// tries: to learn the kernel's addresses
// works: kptr_restrict is 0 on many machines
// see: proc(5) /proc/kallsyms; every kernel exploit's first step
// goal: hold /proc/kallsyms
#include "../kit.h"

int main(void)
{
	MUST(open("/proc/kallsyms", O_RDONLY));
	return holding();
}
