//! What would change the ground under every rule: mounts, BPF, another's terminal. Never allowed in a session.

use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use crate::judge::{self, PASS};
use crate::label;

// proto: int sb_mount(const char *dev_name, const struct path *path, const char *type, unsigned long flags, void *data)
// proto: int sb_umount(struct vfsmount *mnt, int flags)
// proto: int sb_pivotroot(const struct path *old_path, const struct path *new_path)
// proto: int move_mount(const struct path *from_path, const struct path *to_path)
// proto: int path_chroot(const struct path *path)
#[inline(always)]
pub fn mount(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Mount, Cause::Builtin, 0)
}

// proto: int bpf(int cmd, union bpf_attr *attr, unsigned int size)
#[inline(always)]
pub fn bpf(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Control, Cause::Builtin, 3)
}

const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;

// proto: int file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
/// Typing into a terminal.
#[inline(always)]
pub fn ioctl(context: &LsmContext) -> i32 {
    let command = context.arg::<u64>(1) as u32;
    if command != TIOCSTI && command != TIOCLINUX {
        return PASS;
    }
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Control, Cause::Builtin, command)
}
