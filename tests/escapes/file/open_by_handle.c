// tries: to open the secret by its number on the disk
// works: CAP_DAC_READ_SEARCH opens by handle without a path
// see: the "shocker" exploit of Docker, 2014; open_by_handle_at(2)
// goal: read
// user: root
#include "../kit.h"

int main(void)
{
	struct { struct file_handle head; char rest[128]; } handle = { .head.handle_bytes = 128 };
	int id, at = MUST(open(env("WORK"), O_RDONLY | O_DIRECTORY));

	MUST(name_to_handle_at(AT_FDCWD, env("SECRET"), &handle.head, &id, 0));
	return print_from(MUST(open_by_handle_at(at, &handle.head, O_RDONLY)));
}
