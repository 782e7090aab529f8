//! Operations that would undermine every rule: mounts, BPF, views into the kernel. Never allowed in a
//! session.

use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use super::builtin;
use crate::hold;
use crate::judge;
use crate::kernel::group::{self, Group};
use crate::kernel::{O_QSTR_NAME, Pointer, file, load, read, task};
use crate::label;
use crate::outcome::PASS;
use crate::ruling::Request;

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

// proto: int sb_remount(struct super_block *sb, void *mnt_opts)
/// Refuses to set up a mounted file system anew: by mount(2), or by fspick(2) and fsconfig(2) (fs/super.c
/// `reconfigure_super`, Linux 6.12).
#[inline(always)]
pub fn sb_remount(_: &LsmContext) -> i32 {
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

/// What is loaded: `READING_FIRMWARE` (include/linux/kernel_read_file.h), as a driver asks for in the name of the
/// task that uses its device.
const FIRMWARE: u64 = 1;

/// Refuses what the kernel would make a part of itself: modules, another kernel, keys and rules of its own.
#[inline(always)]
fn load_into_kernel(kind: u64) -> i32 {
    let Some(label) = label::current() else { return PASS };
    if u64::from(kind as u32) == FIRMWARE {
        return PASS;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, builtin::KERNEL_IMAGE)
}

// proto: int kernel_load_data(enum kernel_load_data_id id, bool contents)
/// Judges data from memory: init_module(2), kexec_load(2).
#[inline(always)]
pub fn kernel_load_data(context: &LsmContext) -> i32 {
    load_into_kernel(context.arg(0))
}

// proto: int kernel_read_file(struct file *file, enum kernel_read_file_id id, bool contents)
/// Judges data from a file: finit_module(2), kexec_file_load(2).
#[inline(always)]
pub fn kernel_read_file(context: &LsmContext) -> i32 {
    load_into_kernel(context.arg(1))
}

// proto: int locked_down(enum lockdown_reason what)
/// Refuses all that the kernel's own lockdown would (include/linux/security.h `enum lockdown_reason`): each reaches
/// round every rule. `iopl`, `ioperm`, /dev/mem, MSRs, PCI and ACPI by hand, hibernation, kprobes by tracefs, debugfs
/// that can be written, /proc/kcore.
#[inline(always)]
pub fn locked_down(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::refuse(label, Operation::Control, Cause::Builtin, builtin::LOCKDOWN)
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

// Commands of fcntl(2) (include/uapi/asm-generic/fcntl.h, include/uapi/linux/fcntl.h).
const F_SETOWN: u64 = 8;
const F_SETOWN_EX: u64 = 15;
const F_SETLEASE: u64 = 1024;
const F_SETDELEG: u64 = 1040;
const F_UNLCK: u64 = 2;

// proto: int file_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
/// Refuses another owner of a file's signals than the task itself or nobody: the kernel sends them without a
/// hook. Judges a lease or a delegation as writing: who would write waits for whoever has one.
///
/// Other commands change the descriptor alone or what it may do already: duplicates, flags, `F_SETSIG`, sizes of
/// pipes, seals (which need a descriptor that may write), hints. Locks are judged in `file_lock`, and `F_NOTIFY` in
/// `path_notify`.
#[inline(always)]
pub fn file_fcntl(context: &LsmContext) -> i32 {
    let command = u64::from(context.arg::<u64>(1) as u32);
    let argument: u64 = context.arg(2);
    if command == F_SETDELEG || command == F_SETLEASE && argument != F_UNLCK {
        let Some(label) = label::current() else { return PASS };
        let file: Pointer = context.arg(0);
        return hold::end(judge::place(label, file::of_file(file), Request::one(Operation::Write)));
    }
    if command != F_SETOWN && command != F_SETOWN_EX {
        return PASS;
    }
    let Some(label) = label::current() else { return PASS };
    let this = task::current();
    // The number is the caller's pid namespace's (fs/fcntl.c `f_setown`).
    let own = Group { number: argument as u32, level: group::level(this) };
    if command == F_SETOWN && (argument == 0 || own.is_led_by(this)) {
        return PASS;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, builtin::SIGNAL_OWNER)
}
