// tries: the same by /dev/kmsg
// works: it is a device like others
// see: Documentation/ABI/testing/dev-kmsg
// goal: read
// user: root
// first: echo "escape $TOKEN" >/dev/kmsg
#include "../kit.h"

int main(void)
{
	char bytes[8192];
	int fd = MUST(open("/dev/kmsg", O_RDONLY | O_NONBLOCK));
	ssize_t length;

	while ((length = read(fd, bytes, sizeof(bytes))) > 0 || errno == EPIPE)
		if (length > 0 && memmem(bytes, length, "escape ", 7))
			fwrite(bytes, 1, length, stdout);
	return 0;
}
