//! `struct file`, `struct path`, `struct dentry`, `struct inode`.

use super::{
    O_DENTRY_INODE, O_FILE_FLAGS, O_FILE_MODE, O_FILE_PATH, O_INODE_CHANGED, O_INODE_CHANGED_REST,
    O_INODE_CHANGED_SECONDS, O_INODE_MODE, O_INODE_NUMBER, O_INODE_SUPER, O_PATH_DENTRY, O_PATH_MNT,
    O_SUPER_DEVICE, O_SUPER_MAGIC, O_VFSMOUNT_FLAGS, Pointer, at, load, offset,
};

/// A place in the tree: a mount and a directory entry.
#[derive(Clone, Copy)]
pub struct Place {
    /// `struct vfsmount`.
    pub mount: Pointer,
    /// `struct dentry`.
    pub entry: Pointer,
}

/// The place a `struct path` names.
#[inline(always)]
pub fn of_path(path: Pointer) -> Place {
    Place { mount: load(path, &O_PATH_MNT), entry: load(path, &O_PATH_DENTRY) }
}

/// The place of an open file.
#[inline(always)]
pub fn of_file(file: Pointer) -> Place {
    of_path(at(file, &O_FILE_PATH))
}

/// An entry in the directory that a `struct path` names.
#[inline(always)]
pub fn in_directory(directory: Pointer, entry: Pointer) -> Place {
    Place { mount: load(directory, &O_PATH_MNT), entry }
}

/// `f_mode` and `f_flags`.
#[inline(always)]
pub fn mode_and_flags(file: Pointer) -> (u32, u32) {
    (load(file, &O_FILE_MODE), load(file, &O_FILE_FLAGS))
}

/// Device and inode number of an entry; zeros where it names nothing yet.
#[inline(always)]
pub fn identity(entry: Pointer) -> (u64, u64) {
    let inode: Pointer = load(entry, &O_DENTRY_INODE);
    if inode.is_null() {
        return (0, 0);
    }
    let device: u32 = load(load(inode, &O_INODE_SUPER), &O_SUPER_DEVICE);
    (u64::from(device), load(inode, &O_INODE_NUMBER))
}

/// The bits of nanoseconds; those above are not of the time (include/linux/fs.h `I_CTIME_QUERIED`, Linux
/// 6.12).
const NANOSECONDS: u32 = (1 << 30) - 1;
/// Bytes of the seconds of a `struct timespec64`.
const SECONDS_BYTES: usize = 8;

/// Time of the last change of the entry's file: content, owner, mode or links. Seconds in the upper 34 bits,
/// nanoseconds in the lower 30.
#[inline(always)]
pub fn changed(entry: Pointer) -> u64 {
    let inode: Pointer = load(entry, &O_DENTRY_INODE);
    if inode.is_null() {
        return 0;
    }
    let (seconds, rest): (u64, u32) = if offset(&O_INODE_CHANGED_SECONDS) != 0 {
        (load(inode, &O_INODE_CHANGED_SECONDS), load(inode, &O_INODE_CHANGED_REST))
    } else {
        (load(inode, &O_INODE_CHANGED), load(inode.wrapping_add(SECONDS_BYTES), &O_INODE_CHANGED))
    };
    seconds << 30 | u64::from(rest & NANOSECONDS)
}

const S_IFMT: u16 = 0o170_000;
const S_IFIFO: u16 = 0o010_000;
/// `MNT_INTERNAL` (include/linux/mount.h): a mount that the kernel made for itself, which no name leads to.
const MNT_INTERNAL: u32 = 0x4000;

/// Whether the place lies on a mount that the kernel made for itself: pipes, sockets, memory and other anonymous
/// files. The mount says so, not the file system: the kernel is often the first to mount debugfs, tracefs and
/// securityfs (fs/libfs.c `simple_pin_fs`), which have names all the same.
#[inline(always)]
pub fn is_kernels_own(place: Place) -> bool {
    load::<u32>(place.mount, &O_VFSMOUNT_FLAGS) & MNT_INTERNAL != 0
}

// Process descriptors and namespaces (include/uapi/linux/magic.h). Their use is judged when it happens.
const PIDFS: u64 = 0x5049_4446;
const NSFS: u64 = 0x6e73_6673;

/// Whether the place is a pipe that has no name (pipefs): opening one through /proc/self/fd gives a
/// task only what it holds already. Or a process descriptor or a namespace.
#[inline(always)]
pub fn is_nameless(place: Place) -> bool {
    let inode: Pointer = load(place.entry, &O_DENTRY_INODE);
    if inode.is_null() {
        return false;
    }
    let mode: u16 = load(inode, &O_INODE_MODE);
    let magic: u64 = load(load(inode, &O_INODE_SUPER), &O_SUPER_MAGIC);
    magic == PIDFS || magic == NSFS || mode & S_IFMT == S_IFIFO && is_kernels_own(place)
}
