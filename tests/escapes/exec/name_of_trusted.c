// tries: to read the secret under the name of a program that may
// works: a task sets its comm freely
// see: prctl(2) PR_SET_NAME; MITRE ATT&CK T1036.009
// goal: read
#include "../kit.h"

int main(void)
{
	const char *names[] = { "gatekeeper", "systemd", "sshd", "kworker/0:1" };

	for (int i = 0; i < 4; i++) {
		prctl(PR_SET_NAME, names[i]);
		if (!fork())
			return print_file(env("SECRET"));
		wait(NULL);
	}
	return 0;
}
