// tries: to watch the guarded folder and learn the names of what happens there
// works: a watch needs no more than read permission, and reports names nobody showed
// see: inotify(7); MITRE ATT&CK T1083
// goal: hold anon_inode:inotify
#include "../kit.h"

int main(void)
{
	MUST(inotify_add_watch(MUST(inotify_init()), env("GUARDED"), IN_ALL_EVENTS));
	return holding();
}
