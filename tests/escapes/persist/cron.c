// tries: to leave an entry in the crontabs
// works: root writes to /etc and to the spool
// see: MITRE ATT&CK T1053.003
// goal: change
// user: root
// first: mkdir -p /etc/cron.d /var/spool/cron/crontabs
// watch: /etc/cron.d /etc/crontab /var/spool/cron
#include "../kit.h"

int main(void)
{
	int one = open("/etc/cron.d/escape", O_WRONLY | O_CREAT, 0644), two;

	perror("open");
	two = open("/var/spool/cron/crontabs/dev", O_WRONLY | O_CREAT, 0600);
	perror("open");
	return one < 0 && two < 0;
}
