//! What would change the ground under every rule: mounts, BPF, another's terminal. Never allowed in a session.

use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use crate::judge::{self, PASS};
use crate::kernel::{O_QSTR_NAME, Pointer, load, read, task};
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
// proto 6.18+: int bpf(int cmd, union bpf_attr *attr, unsigned int size, bool kernel)
#[inline(always)]
pub fn bpf(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Control, Cause::Builtin, 3)
}

// proto: int perf_event_open(struct perf_event_attr *attr, int type)
// proto 6.12+: int perf_event_open(int type)
/// Looks into the kernel and into others.
#[inline(always)]
pub fn perf(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Control, Cause::Builtin, 4)
}

// proto: int syslog(int type)
/// The kernel's log tells of others. How large it is does not.
#[inline(always)]
pub fn syslog(context: &LsmContext) -> i32 {
    const SIZE_BUFFER: u64 = 10;
    let Some(label) = label::current() else { return PASS };
    if context.arg::<u64>(0) as u32 as u64 == SIZE_BUFFER {
        return PASS;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, 7)
}

// proto: int quotactl(int cmds, int type, int id, struct super_block *sb)
// proto 6.12+: int quotactl(int cmds, int type, int id, const struct super_block *sb)
/// Whatever it asks: how much others have on a disk is theirs.
#[inline(always)]
pub fn quota(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Control, Cause::Builtin, 13)
}

// proto: int inode_init_security_anon(struct inode *inode, const struct qstr *name, const struct inode *context_inode)
/// Files without a place in the tree, known by what the kernel calls them (fs/userfaultfd.c, io_uring/io_uring.c).
#[inline(always)]
pub fn anonymous(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let name: Pointer = context.arg(1);
    let text: Pointer = load(name, &O_QSTR_NAME);
    let Some(begin) = read::<[u8; 8]>(text) else {
        return judge::refuse(label, Operation::Control, Cause::Unreadable, 5);
    };
    if begin == *b"[io_urin" {
        return judge::number(label, Operation::Uring, 0, false);
    }
    if begin == *b"[userfau" {
        return judge::refuse(label, Operation::Control, Cause::Builtin, 5);
    }
    PASS
}

const F_SETOWN: u64 = 8;
const F_SETOWN_EX: u64 = 15;

// proto: int file_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
/// The kernel sends a file's owner signals that nobody judges: a task may own its files, or nobody.
#[inline(always)]
pub fn fcntl(context: &LsmContext) -> i32 {
    let command = context.arg::<u64>(1) as u32 as u64;
    if command != F_SETOWN && command != F_SETOWN_EX {
        return PASS;
    }
    let Some(label) = label::current() else { return PASS };
    let owner: u64 = context.arg(2);
    let this = task::current();
    if command == F_SETOWN && (owner == 0 || owner == task::process_id(this) as u64) {
        return PASS;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, 12)
}
