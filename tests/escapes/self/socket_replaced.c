// tries: to take the control socket's place, and answer in the daemon's name
// works: root unlinks and binds
// see: CWE-283; socket squatting
// goal: change
// user: root
// watch: /run/gatekeeper
// first: cp -a /run/gatekeeper/control.sock /run/gatekeeper/spare.sock
// undo: [ -S /run/gatekeeper/control.sock ] || mv /run/gatekeeper/spare.sock /run/gatekeeper/control.sock; rm -f /run/gatekeeper/spare.sock
// alone: there is one daemon
// note: what is moved is a spare one, so that the control does no harm
#include "../kit.h"

int main(void)
{
	return MUST(unlink("/run/gatekeeper/spare.sock"));
}
