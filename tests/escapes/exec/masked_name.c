// tries: to appear as the daemon altogether: argv, comm and the link to its program
// works: argv and comm are the task's own memory
// see: prctl(2) PR_SET_MM; MITRE ATT&CK T1036.004
// goal: read
#include "../kit.h"

int main(int count, char **words)
{
	prctl(PR_SET_NAME, "gatekeeper");
	memset(words[0], 0, strlen(words[0]));
	memcpy(words[0], "gatekeeper", strlen(words[0]) < 10 ? strlen(words[0]) : 10);
	return print_file(env("SECRET"));
}
