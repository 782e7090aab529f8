// tries: to let everybody write to a file outside by an access list
// works: an ACL is an extended attribute of the owner's
// see: acl(5)
// goal: change
#include "../kit.h"

int main(void)
{
	static const unsigned char list[] = {
		2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 233, 3, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
		16, 0, 6, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
	};

	return MUST(setxattr(env("TARGET"), "system.posix_acl_access", list, sizeof(list), 0));
}
