// tries: to set limits on a file system
// works: root may
// see: quotactl(2)
// goal: run
// user: root
// note: this disk has no quotas: the kernel's answer ESRCH, after the check of rights, stands for success
#include "../kit.h"

#include <sys/quota.h>

int main(void)
{
	char backwards[17] = "";
	struct stat is;
	char path[300];
	struct dirent *entry;
	DIR *folder = opendir("/dev");

	MUST(stat(env("WORK"), &is));
	while ((entry = readdir(folder))) {
		struct stat device;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		if (!stat(path, &device) && S_ISBLK(device.st_mode) && device.st_rdev == is.st_dev)
			break;
	}
	if (quotactl(QCMD(Q_SYNC, USRQUOTA), path, 0, NULL) && errno != ESRCH && errno != ENOSYS)
		must(-1, "quotactl");
	for (int i = 0; i < 16; i++)
		backwards[i] = env("MARK")[15 - i];
	return puts(backwards) < 0;
}
