// tries: to have another process of its own answer its system calls
// works: SECCOMP_RET_USER_NOTIF hands calls to a supervisor, which acts in the caller's name
// see: seccomp_unotify(2)
// goal: read
#include "../kit.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

int main(void)
{
	struct sock_filter code[] = {
		{ 0x20, 0, 0, 0 }, { 0x15, 0, 1, SYS_getppid }, { 6, 0, 0, SECCOMP_RET_USER_NOTIF }, { 6, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct sock_fprog program = { 4, code };
	int listener;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	listener = MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
	if (!fork()) {
		int fd = syscall(SYS_getppid);
		print_from(fd);
		_exit(0);
	}
	struct seccomp_notif ask = { 0 };
	MUST(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask));
	struct seccomp_notif_addfd give = { .id = ask.id, .flags = SECCOMP_ADDFD_FLAG_SEND,
					    .srcfd = open(env("SECRET"), O_RDONLY) };
	if ((int)give.srcfd < 0)
		perror("open"), give.srcfd = 0;
	MUST(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &give));
	wait(NULL);
	return 0;
}
