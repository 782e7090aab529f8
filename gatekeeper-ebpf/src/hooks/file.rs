//! Files: opening, mapping, making, removing, renaming, linking, changing.

use aya_ebpf::EbpfContext;
use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use super::{builtin, received, terminal};
use crate::all_mounts;
use crate::cache;
use crate::hold;
use crate::judge;
use crate::kernel::{
    O_ATTRIBUTES_VALID, O_TASK_PERSONALITY, O_VMA_FILE, O_VMA_FLAGS, Pointer, SETATTR_ENTRY, at_functions,
    call, file, load, offset, read, task,
};
use crate::label;
use crate::layout::automata;
use crate::outcome::PASS;
use crate::ruling::Request;

const FMODE_READ: u32 = 1;
const FMODE_WRITE: u32 = 2;
/// `__FMODE_EXEC` (include/linux/fs.h): the kernel opens a program or its loader so. `mq_open` and `TIOCGPTPEER`
/// hand their caller's flags on as they are, so the bit counts in an exec alone.
const FMODE_EXEC: u32 = 0x20;
/// `FMODE_CREATED` (include/linux/fs.h): this very opening has made the file.
const FMODE_CREATED: u32 = 0x10_0000;
const O_ACCMODE: u32 = 3;
const O_TRUNC: u32 = 0o1000;
const PROT_READ: u64 = 1;
const PROT_EXEC: u64 = 4;
/// `READ_IMPLIES_EXEC` (include/uapi/linux/personality.h): memory that can be read can be executed.
const READ_IMPLIES_EXEC: u32 = 0x0040_0000;
const VM_EXEC: u64 = 4;

// proto: int file_open(struct file *file)
/// Judges an opening. A program opened to be run is judged when it is checked (`bprm_check_security`) or
/// mapped, not here.
#[inline(always)]
pub fn file_open(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let opened: Pointer = context.arg(0);
    let (mode, flags) = file::mode_and_flags(opened);
    let call = call::number(task::current());
    if flags & FMODE_EXEC != 0 && call::starts_program(call) {
        return PASS;
    }
    let place = file::of_file(opened);
    if terminal::is_foreign(label, place) {
        return judge::refuse(label, Operation::Control, Cause::Builtin, builtin::TERMINAL);
    }
    // Where this call made the file, `path_mknod` has judged writing it, too.
    let asked = mode & FMODE_CREATED != 0 && call::opens(call);
    judge::place(label, place, request_for(mode, flags).asked_if(asked))
}

const S_IFMT: u16 = 0o170_000;
const S_IFSOCK: u16 = 0o140_000;
const S_IFBLK: u16 = 0o060_000;
const S_IFCHR: u16 = 0o020_000;

/// The request that a file's mode and flags make.
#[inline(always)]
fn request_for(mode: u32, flags: u32) -> Request {
    // O_ACCMODE asks for both permissions and opens for neither (fs/open.c `build_open_flags`).
    let both = flags & O_ACCMODE == O_ACCMODE;
    let writes = mode & FMODE_WRITE != 0 || flags & O_TRUNC != 0 || both;
    let reads = mode & FMODE_READ != 0 || both || !writes;
    match (writes, reads) {
        (true, true) => Request::both(Operation::Write, Operation::Read),
        (true, false) => Request::one(Operation::Write),
        _ => Request::one(Operation::Read),
    }
}

// proto: int file_receive(struct file *file)
/// Judges a file that another task opened and sent, as if it were opened here. A socket is judged by its peer. Any
/// other file without a place in the tree (pipe, memory) gives no more than the sender could do itself.
#[inline(always)]
pub fn file_receive(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let received: Pointer = context.arg(0);
    let place = file::of_file(received);
    if file::is_kernels_own(place) {
        return received::socket(label, received);
    }
    let (mode, flags) = file::mode_and_flags(received);
    // A file that is not taken is lost (net/core/scm.c `scm_detach_fds`): nothing starts again.
    judge::place(label, place, request_for(mode, flags & !O_TRUNC).held_if(false))
}

// proto: int path_notify(const struct path *path, u64 mask, unsigned int obj_type)
/// Judges a watch as reading: its events give away the file's use. A watch on a whole mount or file system tells of
/// places that no rule was asked about, and with a permission event others wait for the watcher: both are refused.
/// Callers: inotify, dnotify, fanotify (fs/notify/, Linux 6.12).
#[inline(always)]
pub fn path_notify(context: &LsmContext) -> i32 {
    // `enum fsnotify_obj_type` (include/linux/fsnotify_backend.h).
    const FSNOTIFY_OBJ_TYPE_INODE: u32 = 0;
    // FAN_OPEN_PERM, FAN_ACCESS_PERM, FAN_OPEN_EXEC_PERM, FAN_PRE_ACCESS (include/uapi/linux/fanotify.h).
    const PERMISSION: u64 = 0x1_0000 | 0x2_0000 | 0x4_0000 | 0x10_0000;
    let (mask, watched): (u64, u64) = (context.arg(1), context.arg(2));
    if watched as u32 != FSNOTIFY_OBJ_TYPE_INODE || mask & PERMISSION != 0 {
        let Some(label) = label::current() else { return PASS };
        return judge::refuse(label, Operation::Control, Cause::Builtin, builtin::WATCH);
    }
    whole(context, Request::one(Operation::Read))
}

// `F_WRLCK` (include/uapi/asm-generic/fcntl.h).
const F_WRLCK: u64 = 1;

// proto: int file_lock(struct file *file, unsigned int cmd)
/// Judges an exclusive lock as writing: it shuts writers out. flock(2) takes one through any descriptor, and a lock
/// of fcntl(2) needs one that may write (fs/locks.c, Linux 6.12). A shared lock is a reader's, as databases take it.
/// A lease is judged in `file_fcntl`.
#[inline(always)]
pub fn file_lock(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let locked: Pointer = context.arg(0);
    let kind = u64::from(context.arg::<u64>(1) as u32);
    let (mode, _) = file::mode_and_flags(locked);
    let place = file::of_file(locked);
    if kind != F_WRLCK || mode & FMODE_WRITE != 0 || file::is_kernels_own(place) {
        return PASS;
    }
    hold::end(judge::place(label, place, Request::one(Operation::Write)))
}

// proto: int mmap_file(struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags)
/// Judges an executable mapping.
#[inline(always)]
pub fn mmap_file(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let protection = if at_functions() { mapped(context.arg(1)) } else { context.arg(2) };
    if protection & PROT_EXEC == 0 {
        return PASS;
    }
    judge::mapping(label, context.arg(0))
}

/// The protection that a mapping gets: `security_mmap_file(file, prot, flags)` computes it for the modules
/// from the requested one (security/security.c `mmap_prot`, Linux 6.12).
#[inline(always)]
fn mapped(requested: u64) -> u64 {
    let personality: u32 = load(task::current(), &O_TASK_PERSONALITY);
    let implied = requested & PROT_READ != 0 && personality & READ_IMPLIES_EXEC != 0;
    if implied { requested | PROT_EXEC } else { requested }
}

// proto: int file_mprotect(struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)
/// Judges a mapping that becomes executable.
#[inline(always)]
pub fn file_mprotect(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let protection: u64 = context.arg(2);
    let area: Pointer = context.arg(0);
    let flags: u64 = load(area, &O_VMA_FLAGS);
    if protection & PROT_EXEC == 0 || flags & VM_EXEC != 0 {
        return PASS;
    }
    judge::mapping(label, load(area, &O_VMA_FILE))
}

/// Judges a request on the entry `dentry` of the directory `dir`.
#[inline(always)]
fn entry(context: &LsmContext, request: Request) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let directory: Pointer = context.arg(0);
    let name: Pointer = context.arg(1);
    hold::end(judge::place(label, file::in_directory(directory, name), request))
}

// proto: int path_symlink(const struct path *dir, struct dentry *dentry, const char *old_name)
/// Judges making a symbolic link. As a rename does, it gives its name to what lies elsewhere: a folder's name that
/// must not be taken by renaming is not taken by a link, either.
#[inline(always)]
pub fn path_symlink(context: &LsmContext) -> i32 {
    entry(context, Request::both(Operation::Create, Operation::Rename))
}

// proto: int path_mknod(const struct path *dir, struct dentry *dentry, umode_t mode, unsigned int dev)
/// Judges making a file. A socket's file is also the socket's name; devices are never made. A file made by
/// opening it will be written: once it is there, the opening can't be held and started again (O_EXCL).
#[inline(always)]
pub fn path_mknod(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let directory: Pointer = context.arg(0);
    let place = file::in_directory(directory, context.arg(1));
    let mode = context.arg::<u64>(2) as u16;
    // By its number a device is the same under any name.
    if mode & S_IFMT == S_IFBLK || mode & S_IFMT == S_IFCHR {
        return judge::refuse(label, Operation::Create, Cause::Builtin, u32::from(mode));
    }
    let request = if call::opens(call::number(task::current())) {
        Request::both(Operation::Create, Operation::Write)
    } else {
        Request::one(Operation::Create)
    };
    let result = judge::place(label, place, request);
    if result != PASS || mode & S_IFMT != S_IFSOCK {
        return hold::end(result);
    }
    hold::end(judge::unix_path(label, place, Request::one(Operation::UnixBind)))
}

// proto: int path_mkdir(const struct path *dir, struct dentry *dentry, umode_t mode)
/// Judges making a directory. It may get the number of one that is gone, which the cache still knows.
#[inline(always)]
pub fn path_mkdir(context: &LsmContext) -> i32 {
    if label::current().is_some() {
        cache::directory_made();
    }
    entry(context, Request::one(Operation::Create))
}

// proto: int path_unlink(const struct path *dir, struct dentry *dentry)
/// Judges removing a file.
#[inline(always)]
pub fn path_unlink(context: &LsmContext) -> i32 {
    entry(context, Request::one(Operation::Delete))
}

// proto: int path_rmdir(const struct path *dir, struct dentry *dentry)
/// Judges removing a directory.
#[inline(always)]
pub fn path_rmdir(context: &LsmContext) -> i32 {
    entry(context, Request::one(Operation::Delete))
}

// proto: int path_link(struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry)
/// Judges another name for a file: who may not read it may not name it, either.
#[inline(always)]
pub fn path_link(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let source: Pointer = context.arg(0);
    let directory: Pointer = context.arg(1);
    let name: Pointer = context.arg(2);
    let both = Request::both(Operation::Link, Operation::Read);
    // A hard link can't cross mounts (fs/namei.c `do_linkat`, Linux 6.12): both ends lie on the same one.
    let refused = judge::place(label, file::in_directory(directory, source), both);
    if refused != PASS {
        return hold::end(refused);
    }
    hold::end(judge::place(label, file::in_directory(directory, name), Request::one(Operation::Link)))
}

// proto: int path_rename(const struct path *old_dir, struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry, unsigned int flags)
/// Judges renaming, on the old path and on the new one.
#[inline(always)]
pub fn path_rename(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let from: Pointer = context.arg(0);
    let old: Pointer = context.arg(1);
    let to: Pointer = context.arg(2);
    let new: Pointer = context.arg(3);
    let request = Request::one(Operation::Rename);
    let refused = judge::place(label, file::in_directory(from, old), request);
    if refused != PASS {
        return hold::end(refused);
    }
    hold::end(judge::place(label, file::in_directory(to, new), request))
}

/// Judges a request on the file that the hook's `struct path` names.
#[inline(always)]
fn whole(context: &LsmContext, request: Request) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let path: Pointer = context.arg(0);
    hold::end(judge::place(label, file::of_path(path), request))
}

// proto: int path_truncate(const struct path *path)
/// Judges truncation. An opening that truncates was judged as writing just before (fs/namei.c `do_open`,
/// Linux 6.12).
#[inline(always)]
pub fn path_truncate(context: &LsmContext) -> i32 {
    let opens = call::opens(call::number(task::current()));
    whole(context, Request::one(Operation::Write).asked_if(opens))
}

// proto: int path_chmod(const struct path *path, umode_t mode)
/// Judges a change of the mode.
#[inline(always)]
pub fn path_chmod(context: &LsmContext) -> i32 {
    whole(context, Request::one(Operation::Metadata))
}

// proto: int path_chown(const struct path *path, kuid_t uid, kgid_t gid)
/// Judges a change of the owner.
#[inline(always)]
pub fn path_chown(context: &LsmContext) -> i32 {
    whole(context, Request::one(Operation::Metadata))
}

// Bits of `struct iattr::ia_valid` (include/linux/fs.h): the attributes that change.
const ATTR_MODE: u32 = 1;
const ATTR_UID: u32 = 1 << 1;
const ATTR_GID: u32 = 1 << 2;
const ATTR_SIZE: u32 = 1 << 3;
const ATTR_ATIME: u32 = 1 << 4;
const ATTR_MTIME: u32 = 1 << 5;

/// The argument at this offset. An instruction of our own: the compiler would make one load of two, from an
/// address that the verifier of a context refuses.
#[inline(always)]
fn argument<const AT: usize>(context: &LsmContext) -> Pointer {
    let word: Pointer;
    // SAFETY: reads one register's worth from the context, which the verifier checks.
    unsafe {
        core::arch::asm!(
            "{0} = *(u64 *)({1} + {2})",
            out(reg) word,
            in(reg) context.as_ptr(),
            const AT,
            options(nostack)
        );
    }
    word
}

// proto: int inode_setattr(struct dentry *dentry, struct iattr *attr)
// proto 6.12+: int inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
/// Judges a change of times alone; for all else there is a hook that knows the mount.
#[inline(always)]
pub fn inode_setattr(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let (entry, attributes) = if offset(&SETATTR_ENTRY) == 1 {
        (argument::<8>(context), argument::<16>(context))
    } else {
        (argument::<0>(context), argument::<8>(context))
    };
    let changed: u32 = load(attributes, &O_ATTRIBUTES_VALID);
    let others = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_SIZE;
    if changed & (ATTR_ATIME | ATTR_MTIME) == 0 || changed & others != 0 {
        return PASS;
    }
    hold::end(all_mounts::judge(label, entry, Operation::Metadata, automata::PATH))
}

/// Judges a change of an entry's attributes; the entry is the hook's argument of this number.
#[inline(always)]
fn metadata(context: &LsmContext, entry: usize) -> i32 {
    let Some(label) = label::current() else { return PASS };
    hold::end(all_mounts::judge(label, context.arg(entry), Operation::Metadata, automata::PATH))
}

// proto: int inode_setxattr(struct user_namespace *mnt_userns, struct dentry *dentry, const char *name, const void *value, size_t size, int flags)
// proto 6.12+: int inode_setxattr(struct mnt_idmap *idmap, struct dentry *dentry, const char *name, const void *value, size_t size, int flags)
/// Judges setting an extended attribute.
#[inline(always)]
pub fn inode_setxattr(context: &LsmContext) -> i32 {
    metadata(context, 1)
}

// proto: int inode_removexattr(struct user_namespace *mnt_userns, struct dentry *dentry, const char *name)
// proto 6.12+: int inode_removexattr(struct mnt_idmap *idmap, struct dentry *dentry, const char *name)
/// Judges removing an extended attribute.
#[inline(always)]
pub fn inode_removexattr(context: &LsmContext) -> i32 {
    metadata(context, 1)
}

// proto 6.12+: int inode_set_acl(struct mnt_idmap *idmap, struct dentry *dentry, const char *acl_name, struct posix_acl *kacl)
/// Judges setting an access control list.
#[inline(always)]
pub fn inode_set_acl(context: &LsmContext) -> i32 {
    metadata(context, 1)
}

// proto 6.12+: int inode_remove_acl(struct mnt_idmap *idmap, struct dentry *dentry, const char *acl_name)
/// Judges removing an access control list.
#[inline(always)]
pub fn inode_remove_acl(context: &LsmContext) -> i32 {
    metadata(context, 1)
}

// proto 6.18+: int inode_file_setattr(struct dentry *dentry, struct file_kattr *fa)
/// Judges a change of flags, project and the like by a path, without a descriptor (file_setattr(2), since
/// Linux 6.17). A change by ioctl(2) is judged there, where the mount is known.
#[inline(always)]
pub fn inode_file_setattr(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    if call::number(task::current()) == call::IOCTL {
        return PASS;
    }
    hold::end(all_mounts::judge(label, context.arg(0), Operation::Metadata, automata::PATH))
}

/// The beginning of names of attributes that programs set as they like (xattr(7)).
const USER_PREFIX: u64 = u64::from_le_bytes(*b"user.\0\0\0");
/// The bytes of that beginning.
const USER_PREFIX_MASK: u64 = 0xff_ffff_ffff;

// proto: int inode_getxattr(struct dentry *dentry, const char *name)
/// Judges reading an attribute that programs set: it is content like a file's own. Other kinds are the
/// system's, which reads them itself in a task's name (overlayfs).
#[inline(always)]
pub fn inode_getxattr(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let name: Pointer = context.arg(1);
    let Some(begin) = read::<u64>(name) else {
        return judge::refuse(label, Operation::Read, Cause::Unreadable, 0);
    };
    if begin & USER_PREFIX_MASK != USER_PREFIX {
        return PASS;
    }
    all_mounts::judge(label, context.arg(0), Operation::Read, automata::PATH)
}

// proto: int inode_readlink(struct dentry *dentry)
/// Judges reading a link's target. Programs that compute a real path do so for every link on the way, so no
/// default decides: only a rule that denies reading does.
#[inline(always)]
pub fn inode_readlink(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    all_mounts::judge(label, context.arg(0), Operation::Read, automata::PATH_RULES_ONLY)
}
