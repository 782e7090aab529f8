// tries: to list a folder that holds a name worth knowing
// works: the folder is the user's own
// see: getdents64(2); MITRE ATT&CK T1083
// goal: read
// first: touch "$GUARDED/$TOKEN"
#include "../kit.h"

int main(void)
{
	DIR *folder = opendir(env("GUARDED"));
	struct dirent *entry;

	MUST(folder ? 0 : -1);
	while ((entry = readdir(folder)))
		puts(entry->d_name);
	return 0;
}
