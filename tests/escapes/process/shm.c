// tries: to attach System V shared memory of a process outside
// works: same user; the key is easily guessed
// see: shmat(2); T-attacks on X11 MIT-SHM
// goal: read
#include "../kit.h"

int main(void)
{
	char *at = shmat(number("VICTIM_SHM"), NULL, SHM_RDONLY);

	MUST((long)at == -1 ? -1 : 0);
	return puts(at) < 0;
}
