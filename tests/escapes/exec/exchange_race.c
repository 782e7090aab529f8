// tries: to exchange an allowed program's link for its own between the check and the start
// works: a check of the path would be of another file than the one that starts
// see: CWE-367; execve(2)
// goal: run
// unrecorded: who loses every race meets nothing that could be refused
#include "../kit.h"

static volatile int exec_over;

static void *exec_swap(void *unused)
{
	const char *one = join(env("WORK"), "/good"), *two = join(env("WORK"), "/bad");

	while (!exec_over)
		renameat2(AT_FDCWD, one, AT_FDCWD, two, RENAME_EXCHANGE);
	return NULL;
}

int main(void)
{
	const char *one = join(env("WORK"), "/good");
	time_t end = time(NULL) + 4;
	pthread_t thread;

	own_program("/program");
	MUST(symlink("/usr/bin/true", one));
	MUST(symlink("program", join(env("WORK"), "/bad")));
	pthread_create(&thread, NULL, exec_swap, NULL);
	for (int status = 0; WEXITSTATUS(status) != 77 && time(NULL) < end;) {
		if (!vfork()) {
			execl(one, "true", NULL);
			_exit(1);
		}
		wait(&status);
	}
	exec_over = 1;
	pthread_join(thread, NULL);
	return 0;
}
