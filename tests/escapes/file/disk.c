// tries: to read the secret from the disk itself
// works: root may open the block device
// see: debugfs(8); the classic escape from a privileged container
// goal: hold /dev/v
// user: root
#include "../kit.h"

int main(void)
{
	struct stat is, device;
	char path[300];
	struct dirent *entry;
	DIR *folder = opendir("/dev");

	MUST(stat(env("SECRET"), &is));
	while ((entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		if (!stat(path, &device) && S_ISBLK(device.st_mode) && device.st_rdev == is.st_dev) {
			MUST(open(path, O_RDONLY));
			return holding();
		}
	}
	return 1;
}
