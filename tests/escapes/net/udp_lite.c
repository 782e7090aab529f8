// tries: to send data by UDP-Lite
// works: it is another protocol number
// see: udplite(7), RFC 3828
// goal: reach
// needs: python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136)'
#include "../kit.h"

int main(void)
{
	struct sockaddr_in to = v4("127.0.0.1", number("PORT"));

	return MUST(sendto(MUST(socket(AF_INET, SOCK_DGRAM, 136)), env("MARK"), 16, 0, (void *)&to, sizeof(to))) < 0;
}
