// tries: to load a BPF program
// works: root may
// see: bpf(2); CVE-2023-2163, CVE-2020-8835
// goal: hold anon_inode:bpf-prog
// user: root
#include "../kit.h"

int main(void)
{
	struct bpf_insn code[] = { { 0xb7, 0, 0, 0, 0 }, { 0x95, 0, 0, 0, 0 } };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = (long)code, .insn_cnt = 2,
				.license = (long)"GPL" };

	MUST(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
	return holding();
}
