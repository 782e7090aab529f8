// tries: to copy the secret by copy_file_range, sendfile and splice
// works: the bytes never pass through the process
// see: copy_file_range(2), splice(2)
// goal: read
#include "../kit.h"

int main(void)
{
	int out = MUST(open(join(env("WORK"), "/copy"), O_RDWR | O_CREAT, 0600)), in = MUST(open(env("SECRET"), O_RDONLY));

	if (copy_file_range(in, NULL, out, NULL, 100, 0) <= 0)
		MUST(sendfile(out, in, NULL, 100));
	MUST(lseek(out, 0, SEEK_SET));
	return print_from(out);
}
