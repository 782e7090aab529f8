// tries: to connect, dissolve the association by AF_UNSPEC and connect elsewhere
// works: connect with AF_UNSPEC forgets
// see: connect(2); Landlock's fix for AF_UNSPEC
// goal: reach
#include "../kit.h"

int main(void)
{
	struct sockaddr_in good = v4("127.0.0.1", number("OPEN_PORT")), bad = v4("127.0.0.1", number("PORT"));
	struct sockaddr none = { AF_UNSPEC };
	int s = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	MUST(connect(s, (void *)&good, sizeof(good)));
	if (connect(s, &none, sizeof(none)))
		perror("dissolving");
	MUST(connect(s, (void *)&bad, sizeof(bad)));
	return mark(s);
}
