/* The attacker's own program, and library: prints the mark backwards wherever it runs. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void ran(void)
{
	const char *mark = getenv("MARK");
	char backwards[65] = "";
	size_t length = mark ? strlen(mark) : 0;

	for (size_t i = 0; i < length && i < 64; i++)
		backwards[i] = mark[length - 1 - i];
	if (write(1, backwards, length) < 0)
		_exit(1);
}

int main(void)
{
	return 77;
}
