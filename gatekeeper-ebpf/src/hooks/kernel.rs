//! Operations that would undermine every rule: mounts, BPF, views into the kernel. Never allowed in a
//! session.

use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use super::builtin;
use crate::judge;
use crate::kernel::{O_QSTR_NAME, Pointer, load, read, task};
use crate::label;
use crate::outcome::PASS;

/// Refuses a change of the tree of mounts.
#[inline(always)]
fn refuse_mount() -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Mount, Cause::Builtin, 0)
}

// proto: int sb_mount(const char *dev_name, const struct path *path, const char *type, unsigned long flags, void *data)
/// Refuses mounting.
#[inline(always)]
pub fn sb_mount(_: &LsmContext) -> i32 {
    refuse_mount()
}

// proto: int sb_umount(struct vfsmount *mnt, int flags)
/// Refuses unmounting.
#[inline(always)]
pub fn sb_umount(_: &LsmContext) -> i32 {
    refuse_mount()
}

// proto: int sb_pivotroot(const struct path *old_path, const struct path *new_path)
/// Refuses another root of the mounts.
#[inline(always)]
pub fn sb_pivotroot(_: &LsmContext) -> i32 {
    refuse_mount()
}

// proto: int move_mount(const struct path *from_path, const struct path *to_path)
/// Refuses moving a mount.
#[inline(always)]
pub fn move_mount(_: &LsmContext) -> i32 {
    refuse_mount()
}

// proto: int path_chroot(const struct path *path)
/// Refuses another root directory.
#[inline(always)]
pub fn path_chroot(_: &LsmContext) -> i32 {
    refuse_mount()
}

// proto: int bpf(int cmd, union bpf_attr *attr, unsigned int size)
// proto 6.18+: int bpf(int cmd, union bpf_attr *attr, unsigned int size, bool kernel)
/// Refuses programs and maps of BPF.
#[inline(always)]
pub fn bpf(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Control, Cause::Builtin, builtin::BPF)
}

// proto: int perf_event_open(struct perf_event_attr *attr, int type)
// proto 6.12+: int perf_event_open(int type)
/// Refuses performance events: they show the kernel and other tasks.
#[inline(always)]
pub fn perf_event_open(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Control, Cause::Builtin, builtin::PERF)
}

// proto: int syslog(int type)
/// Refuses the kernel's log, which shows other tasks; its size does not.
#[inline(always)]
pub fn syslog(context: &LsmContext) -> i32 {
    const SIZE_BUFFER: u64 = 10;
    let Some(label) = label::current() else { return PASS };
    if u64::from(context.arg::<u64>(0) as u32) == SIZE_BUFFER {
        return PASS;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, builtin::SYSLOG)
}

// proto: int quotactl(int cmds, int type, int id, struct super_block *sb)
// proto 6.12+: int quotactl(int cmds, int type, int id, const struct super_block *sb)
/// Refuses disk quotas: they show how much others store.
#[inline(always)]
pub fn quotactl(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Control, Cause::Builtin, builtin::QUOTA)
}

// proto: int inode_init_security_anon(struct inode *inode, const struct qstr *name, const struct inode *context_inode)
/// Judges files without a place in the tree, by the names that the kernel gives them (fs/userfaultfd.c,
/// io_uring/io_uring.c, Linux 6.12).
#[inline(always)]
pub fn inode_init_security_anon(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let name: Pointer = context.arg(1);
    let text: Pointer = load(name, &O_QSTR_NAME);
    let Some(begin) = read::<[u8; 8]>(text) else {
        return judge::refuse(label, Operation::Control, Cause::Unreadable, builtin::USERFAULTFD);
    };
    if begin == *b"[io_urin" {
        return judge::number(label, Operation::Uring, 0, false);
    }
    if begin == *b"[userfau" {
        return judge::refuse(label, Operation::Control, Cause::Builtin, builtin::USERFAULTFD);
    }
    PASS
}

const F_SETOWN: u64 = 8;
const F_SETOWN_EX: u64 = 15;

// proto: int file_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
/// Refuses another owner of a file's signals than the task itself or nobody: the kernel sends them without a
/// hook.
#[inline(always)]
pub fn file_fcntl(context: &LsmContext) -> i32 {
    let command = u64::from(context.arg::<u64>(1) as u32);
    if command != F_SETOWN && command != F_SETOWN_EX {
        return PASS;
    }
    let Some(label) = label::current() else { return PASS };
    let owner: u64 = context.arg(2);
    let this = task::current();
    if command == F_SETOWN && (owner == 0 || owner == u64::from(task::process_id(this))) {
        return PASS;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, builtin::SIGNAL_OWNER)
}
