//! Files: opening, mapping, making, removing, renaming, linking, changing.

use aya_ebpf::EbpfContext;
use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use crate::cache;
use crate::everywhere::judge_everywhere;
use crate::hold;
use crate::judge::{self, PASS};
use crate::kernel::{
    O_ATTRIBUTES_VALID, O_TASK_PERSONALITY, O_VMA_FILE, O_VMA_FLAGS, Pointer, SETATTR_ENTRY, at_functions,
    file, load, offset, read, task,
};
use crate::label;
use crate::layout::automata;
use crate::ruling::Request;

const FMODE_READ: u32 = 1;
const FMODE_WRITE: u32 = 2;
/// `__FMODE_EXEC` (include/linux/fs.h): set by the kernel alone, where it opens a program or its loader.
const FMODE_EXEC: u32 = 0x20;
/// (include/linux/fs.h): this very opening has made the file.
const FMODE_CREATED: u32 = 0x10_0000;
const O_ACCMODE: u32 = 3;
const O_TRUNC: u32 = 0o1000;
const PROT_READ: u64 = 1;
const PROT_EXEC: u64 = 4;
/// (include/uapi/linux/personality.h)
const READ_IMPLIES_EXEC: u32 = 0x0040_0000;
const VM_EXEC: u64 = 4;

// proto: int file_open(struct file *file)
/// A program opened to be run is judged when it is checked (`bprm_check_security`) or mapped, not here.
#[inline(always)]
pub fn open(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let opened: Pointer = context.arg(0);
    let (mode, flags) = file::mode_and_flags(opened);
    if flags & FMODE_EXEC != 0 {
        return PASS;
    }
    // Making it was judged with writing it, where it was seen that it will be written.
    let asked = mode & FMODE_CREATED != 0 && task::opens(task::call(task::current()));
    judge::place(label, file::of_file(opened), uses(mode, flags).asked_if(asked))
}

const S_IFMT: u16 = 0o170_000;
const S_IFSOCK: u16 = 0o140_000;
const S_IFBLK: u16 = 0o060_000;
const S_IFCHR: u16 = 0o020_000;

/// The operations that a file's mode and flags ask for.
#[inline(always)]
fn uses(mode: u32, flags: u32) -> Request {
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
/// A file that another task opened is judged as if it were opened here. What has no place in the tree (sockets,
/// pipes, memory) gives no more than the sender's own hands could.
#[inline(always)]
pub fn receive(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let received: Pointer = context.arg(0);
    let place = file::of_file(received);
    if file::is_kernels_own(place.entry) {
        return PASS;
    }
    let (mode, flags) = file::mode_and_flags(received);
    // A file that is not taken is lost (net/core/scm.c `scm_detach_fds`): nothing starts again.
    judge::place(label, place, uses(mode, flags & !O_TRUNC).held_if(false))
}

// proto: int path_notify(const struct path *path, u64 mask, unsigned int obj_type)
/// Being told of what happens to a file tells of it.
#[inline(always)]
pub fn watch(context: &LsmContext) -> i32 {
    whole(context, Request::one(Operation::Read))
}

// proto: int mmap_file(struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags)
#[inline(always)]
pub fn mmap(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let protection = if at_functions() { mapped(context.arg(1)) } else { context.arg(2) };
    if protection & PROT_EXEC == 0 {
        return PASS;
    }
    judge::mapping(label, context.arg(0))
}

/// What a mapping will allow: `security_mmap_file(file, prot, flags)` works it out for the modules from what was
/// asked for (security/security.c `mmap_prot`).
#[inline(always)]
fn mapped(asked: u64) -> u64 {
    let personality: u32 = load(task::current(), &O_TASK_PERSONALITY);
    if asked & PROT_READ != 0 && personality & READ_IMPLIES_EXEC != 0 { asked | PROT_EXEC } else { asked }
}

// proto: int file_mprotect(struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)
#[inline(always)]
pub fn mprotect(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let protection: u64 = context.arg(2);
    let area: Pointer = context.arg(0);
    let flags: u64 = load(area, &O_VMA_FLAGS);
    if protection & PROT_EXEC == 0 || flags & VM_EXEC != 0 {
        return PASS;
    }
    judge::mapping(label, load(area, &O_VMA_FILE))
}

/// The entry `dentry` of the directory `dir`, for one operation.
#[inline(always)]
fn entry(context: &LsmContext, operation: Operation) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let directory: Pointer = context.arg(0);
    let name: Pointer = context.arg(1);
    hold::end(judge::place(label, file::in_directory(directory, name), Request::one(operation)))
}

// proto: int path_symlink(const struct path *dir, struct dentry *dentry, const char *old_name)
#[inline(always)]
pub fn create(context: &LsmContext) -> i32 {
    entry(context, Operation::Create)
}

// proto: int path_mknod(const struct path *dir, struct dentry *dentry, umode_t mode, unsigned int dev)
/// A socket's file is also the socket's name; devices are never made. A file made by opening it will be written: once it
/// is there, the opening can't be held and started again (O_EXCL).
#[inline(always)]
pub fn mknod(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let directory: Pointer = context.arg(0);
    let place = file::in_directory(directory, context.arg(1));
    let mode = context.arg::<u64>(2) as u16;
    // By its number a device is the same under any name.
    if mode & S_IFMT == S_IFBLK || mode & S_IFMT == S_IFCHR {
        return judge::refuse(label, Operation::Create, Cause::Builtin, mode as u32);
    }
    let asked = if task::opens(task::call(task::current())) {
        Request::both(Operation::Create, Operation::Write)
    } else {
        Request::one(Operation::Create)
    };
    let made = judge::place(label, place, asked);
    if made != PASS || mode & S_IFMT != S_IFSOCK {
        return hold::end(made);
    }
    hold::end(judge::unix_path(label, place, Operation::UnixBind))
}

// proto: int path_mkdir(const struct path *dir, struct dentry *dentry, umode_t mode)
/// A new directory may be given the number of one that is gone.
#[inline(always)]
pub fn mkdir(context: &LsmContext) -> i32 {
    if label::current().is_some() {
        cache::directory_made();
    }
    entry(context, Operation::Create)
}

// proto: int path_unlink(const struct path *dir, struct dentry *dentry)
// proto: int path_rmdir(const struct path *dir, struct dentry *dentry)
#[inline(always)]
pub fn delete(context: &LsmContext) -> i32 {
    entry(context, Operation::Delete)
}

// proto: int path_link(struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry)
/// Another name for a file: who may not read it may not name it, either.
#[inline(always)]
pub fn link(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let source: Pointer = context.arg(0);
    let directory: Pointer = context.arg(1);
    let name: Pointer = context.arg(2);
    let both = Request::both(Operation::Link, Operation::Read);
    // A hard link can't cross mounts (fs/namei.c `do_linkat`): both ends lie on the same one.
    let refused = judge::place(label, file::in_directory(directory, source), both);
    if refused != PASS {
        return hold::end(refused);
    }
    hold::end(judge::place(label, file::in_directory(directory, name), Request::one(Operation::Link)))
}

// proto: int path_rename(const struct path *old_dir, struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry, unsigned int flags)
#[inline(always)]
pub fn rename(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let from: Pointer = context.arg(0);
    let old: Pointer = context.arg(1);
    let to: Pointer = context.arg(2);
    let new: Pointer = context.arg(3);
    let asked = Request::one(Operation::Rename);
    let refused = judge::place(label, file::in_directory(from, old), asked);
    if refused != PASS {
        return hold::end(refused);
    }
    hold::end(judge::place(label, file::in_directory(to, new), asked))
}

#[inline(always)]
fn whole(context: &LsmContext, asked: Request) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let path: Pointer = context.arg(0);
    hold::end(judge::place(label, file::of_path(path), asked))
}

// proto: int path_truncate(const struct path *path)
/// What an opening cuts it has just been asked to write (fs/namei.c `do_open`).
#[inline(always)]
pub fn truncate(context: &LsmContext) -> i32 {
    let opens = task::opens(task::call(task::current()));
    whole(context, Request::one(Operation::Write).asked_if(opens))
}

// proto: int path_chmod(const struct path *path, umode_t mode)
// proto: int path_chown(const struct path *path, kuid_t uid, kgid_t gid)
#[inline(always)]
pub fn metadata(context: &LsmContext) -> i32 {
    whole(context, Request::one(Operation::Metadata))
}

/// `struct iattr::ia_valid` (include/linux/fs.h): what is changed.
const ATTR_MODE: u32 = 1;
const ATTR_UID: u32 = 1 << 1;
const ATTR_GID: u32 = 1 << 2;
const ATTR_SIZE: u32 = 1 << 3;
const ATTR_ATIME: u32 = 1 << 4;
const ATTR_MTIME: u32 = 1 << 5;

/// The argument at this offset. An instruction of our own: the compiler would make one load of two, from an address
/// that the verifier of a context refuses.
#[inline(always)]
fn argument<const AT: usize>(context: &LsmContext) -> Pointer {
    let word: Pointer;
    // SAFETY: reads one register's worth from the context, which the verifier checks.
    unsafe {
        core::arch::asm!("{0} = *(u64 *)({1} + {2})", out(reg) word, in(reg) context.as_ptr(), const AT, options(nostack));
    }
    word
}

// proto: int inode_setattr(struct dentry *dentry, struct iattr *attr)
// proto 6.12+: int inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
/// Times alone; for all else there is a hook that knows the mount.
#[inline(always)]
pub fn times(context: &LsmContext) -> i32 {
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
    hold::end(judge_everywhere(label, entry, Operation::Metadata, automata::PATH))
}

// proto: int inode_setxattr(struct user_namespace *mnt_userns, struct dentry *dentry, const char *name, const void *value, size_t size, int flags)
// proto 6.12+: int inode_setxattr(struct mnt_idmap *idmap, struct dentry *dentry, const char *name, const void *value, size_t size, int flags)
// proto: int inode_removexattr(struct user_namespace *mnt_userns, struct dentry *dentry, const char *name)
// proto 6.12+: int inode_removexattr(struct mnt_idmap *idmap, struct dentry *dentry, const char *name)
// proto 6.12+: int inode_set_acl(struct mnt_idmap *idmap, struct dentry *dentry, const char *acl_name, struct posix_acl *kacl)
// proto 6.12+: int inode_remove_acl(struct mnt_idmap *idmap, struct dentry *dentry, const char *acl_name)
#[inline(always)]
pub fn attribute(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    hold::end(judge_everywhere(label, context.arg(1), Operation::Metadata, automata::PATH))
}

// proto 6.18+: int inode_file_setattr(struct dentry *dentry, struct file_kattr *fa)
/// Flags, project and the like by a path, without a descriptor (file_setattr(2), since Linux 6.17). What ioctl(2) changes
/// is judged there, where the mount is known.
#[inline(always)]
pub fn flags(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    if task::call(task::current()) == task::IOCTL {
        return PASS;
    }
    hold::end(judge_everywhere(label, context.arg(0), Operation::Metadata, automata::PATH))
}

/// How the names of attributes begin that programs give as they like (xattr(7)).
const OF_USERS: u64 = u64::from_le_bytes(*b"user.\0\0\0");

// proto: int inode_getxattr(struct dentry *dentry, const char *name)
/// What programs keep in attributes is content like a file's own. Other kinds are the system's, which asks for them
/// itself in a task's name (overlayfs).
#[inline(always)]
pub fn attribute_read(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let name: Pointer = context.arg(1);
    let Some(begin) = read::<u64>(name) else {
        return judge::refuse(label, Operation::Read, Cause::Unreadable, 0);
    };
    if begin & 0xff_ffff_ffff != OF_USERS {
        return PASS;
    }
    judge_everywhere(label, context.arg(0), Operation::Read, automata::PATH)
}

// proto: int inode_readlink(struct dentry *dentry)
/// Where a link leads. Programs that work out a real path ask this of every link on the way, so no default
/// decides: only who is denied reading by a rule does not get to know it.
#[inline(always)]
pub fn link_read(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge_everywhere(label, context.arg(0), Operation::Read, automata::PATH_RULES_ONLY)
}
