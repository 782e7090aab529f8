// tries: to have the kernel write down every program that ends on this machine, in a file of the workspace
// works: root may switch process accounting on
// see: acct(2)
// goal: run
// user: root
// undo: python3 -c 'import ctypes; ctypes.CDLL(None).acct(None)'
// alone: it is the machine's
// needs: python3 -c 'import ctypes, sys; l = ctypes.CDLL(None, use_errno=True); l.acct(None); sys.exit(ctypes.get_errno() == 38)'
#include "../kit.h"

int main(void)
{
	const char *path = join(env("WORK"), "/accounts");

	close(MUST(open(path, O_WRONLY | O_CREAT, 0600)));
	MUST(acct(path));
	return proved();
}
