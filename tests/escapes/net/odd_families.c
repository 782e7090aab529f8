// tries: to make a socket of any family that the kernel has beyond the usual
// works: modules are loaded on demand for whoever asks
// see: CVE-2017-6074 (DCCP), CVE-2016-8655, CVE-2023-0461
// goal: run
#include "../kit.h"

int main(void)
{
	/* Of these at least one is there on each kernel. */
	int families[] = { 17, 38, 40, 15, 44, 30, 21, 29, 31, 41 }, made = 0;
	char backwards[17] = "";

	for (int i = 0; i < 10; i++)
		for (int kind = 1; kind <= 5; kind++)
			made += socket(families[i], kind, families[i] == 15 ? 2 : 0) >= 0;
	if (!made)
		MUST(-1);
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	return puts(backwards) < 0;
}
