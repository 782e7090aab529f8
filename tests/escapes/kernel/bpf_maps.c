// tries: to take hold of the daemon's own BPF maps by their numbers
// works: root may go through all of them
// see: bpf(2) BPF_MAP_GET_FD_BY_ID; MITRE ATT&CK T1562.001
// goal: hold anon_inode:bpf-map
// user: root
#include "../kit.h"

int main(void)
{
	union bpf_attr attr = { 0 };

	MUST(syscall(SYS_bpf, BPF_MAP_GET_NEXT_ID, &attr, sizeof(attr)));
	attr.start_id = attr.next_id;
	MUST(syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr)));
	return holding();
}
