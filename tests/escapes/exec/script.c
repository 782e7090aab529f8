// tries: to run a script of its own whose interpreter may run
// works: the kernel starts the interpreter that the first line names
// see: execve(2), "Interpreter scripts"
// goal: run
#include "../kit.h"

int main(void)
{
	const char *path = join(env("WORK"), "/script");
	int fd = MUST(open(path, O_WRONLY | O_CREAT, 0755));
	const char *text = "#!/usr/bin/bash\nfor ((i = 15; i >= 0; i--)); do printf %s \"${MARK:i:1}\"; done\n";

	MUST(write(fd, text, strlen(text)));
	close(fd);
	return MUST(execl(path, "script", NULL));
}
