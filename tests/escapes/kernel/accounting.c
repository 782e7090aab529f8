// tries: to have the kernel write into a file outside whenever a process ends
// works: root may switch process accounting on
// see: acct(2)
// goal: change
// user: root
// undo: python3 -c 'import ctypes; ctypes.CDLL(None).acct(None)'
// alone: it is the machine's
// needs: python3 -c 'import ctypes, sys; l = ctypes.CDLL(None, use_errno=True); l.acct(None); sys.exit(ctypes.get_errno() == 38)'
#include "../kit.h"

int main(void)
{
	MUST(acct(env("TARGET")));
	if (!fork())
		_exit(0);
	wait(NULL);
	return 0;
}
