// tries: to leave a new file, a folder, a link and a pipe outside
// works: the folder is the user's own
// see: open(2), mkdir(2), symlink(2), mkfifo(3)
// goal: change
#include "../kit.h"

int main(void)
{
	int done = 0;

	done |= open(join(env("GUARDED"), "/new"), O_WRONLY | O_CREAT | O_EXCL, 0644) >= 0;
	perror("open");
	done |= mkdir(join(env("GUARDED"), "/newer"), 0755) == 0;
	perror("mkdir");
	done |= symlink("/etc/passwd", join(env("GUARDED"), "/link")) == 0;
	perror("symlink");
	done |= mkfifo(join(env("GUARDED"), "/pipe"), 0644) == 0;
	perror("mkfifo");
	return !done;
}
