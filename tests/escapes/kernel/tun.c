// tries: to make a network interface of its own
// works: root opens /dev/net/tun
// see: tun(4); VPN tunnels
// goal: hold /dev/net/tun
// user: root
// needs: modprobe tun && test -c /dev/net/tun
#include "../kit.h"

int main(void)
{
	MUST(open("/dev/net/tun", O_RDWR));
	return holding();
}
