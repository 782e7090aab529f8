//! Changes by ioctl(2) through a descriptor that was opened to read: terminals, the owner of signals, and the
//! attributes that file systems keep of a file.

use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use crate::hold;
use crate::judge;
use crate::kernel::{Pointer, file};
use crate::label;
use crate::outcome::PASS;
use crate::ruling::Request;

/// The meaning of a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A command that is not judged here.
    Other,
    /// A change of a file that was perhaps opened only to be read.
    Metadata,
    /// A command that reaches beyond its descriptor: never allowed.
    Forbidden,
}

/// A command as letter and number; its size and direction differ between programs of 32 and 64 bits.
const fn command(letter: u8, number: u8) -> u16 {
    ((letter as u16) << 8) | number as u16
}

const BTRFS: u8 = 0x94;

/// The meaning of a command's number (include/uapi/asm-generic/ioctls.h, sockios.h; include/uapi/linux/fs.h,
/// fscrypt.h, fsverity.h, ext4.h, btrfs.h, msdos_fs.h). Other commands need a capability or a descriptor that
/// may write.
#[inline(always)]
const fn meaning(number: u32) -> Meaning {
    const TIOCSTI: u16 = 0x5412;
    const TIOCLINUX: u16 = 0x541c;
    // Who gets a socket's signals, as F_SETOWN.
    const FIOSETOWN: u16 = 0x8901;
    const SIOCSPGRP: u16 = 0x8902;
    const SETFLAGS: u16 = command(b'f', 2);
    const EXT4_SETVERSION: u16 = command(b'f', 4);
    const EXT4_SETRSVSZ: u16 = command(b'f', 6);
    const EXT4_MIGRATE: u16 = command(b'f', 9);
    const SET_ENCRYPTION_POLICY: u16 = command(b'f', 19);
    const ENABLE_VERITY: u16 = command(b'f', 133);
    const SETVERSION: u16 = command(b'v', 2);
    const FSSETXATTR: u16 = command(b'X', 32);
    const FAT_SET_ATTRIBUTES: u16 = command(b'r', 0x11);
    const BTRFS_DEFRAG: u16 = command(BTRFS, 2);
    const BTRFS_DEFRAG_RANGE: u16 = command(BTRFS, 16);
    // Locks files of the user's for all of the user's processes.
    const REMOVE_ENCRYPTION_KEY: u16 = command(b'f', 24);
    // Shows whether another file has the same content; that file is named in the task's own memory.
    const DEDUPERANGE: u16 = command(BTRFS, 54);
    // Whole trees get new names, vanish or become read-only, and no hook that judges paths is called.
    const BTRFS_SNAP_CREATE: u16 = command(BTRFS, 1);
    const BTRFS_SUBVOL_CREATE: u16 = command(BTRFS, 14);
    const BTRFS_SNAP_DESTROY: u16 = command(BTRFS, 15);
    const BTRFS_SNAP_CREATE_V2: u16 = command(BTRFS, 23);
    const BTRFS_SUBVOL_CREATE_V2: u16 = command(BTRFS, 24);
    const BTRFS_SUBVOL_SETFLAGS: u16 = command(BTRFS, 26);
    const BTRFS_SET_RECEIVED: u16 = command(BTRFS, 37);
    const BTRFS_SNAP_DESTROY_V2: u16 = command(BTRFS, 63);
    // The namespaces of mounts beside one's own (include/uapi/linux/nsfs.h, since Linux 6.12).
    const NS_MNT_GET_NEXT: u16 = command(0xb7, 11);
    const NS_MNT_GET_PREV: u16 = command(0xb7, 12);
    // Whole file systems that stop, or end (include/uapi/linux/fs.h; ext4.h, XFS and f2fs).
    const FIFREEZE: u16 = command(b'X', 119);
    const FITHAW: u16 = command(b'X', 120);
    const SHUTDOWN: u16 = command(b'X', 125);
    match number as u16 {
        TIOCSTI
        | TIOCLINUX
        | FIOSETOWN
        | SIOCSPGRP
        | NS_MNT_GET_NEXT
        | NS_MNT_GET_PREV
        | FIFREEZE
        | FITHAW
        | SHUTDOWN
        | REMOVE_ENCRYPTION_KEY
        | DEDUPERANGE
        | BTRFS_SNAP_CREATE
        | BTRFS_SNAP_CREATE_V2
        | BTRFS_SUBVOL_CREATE
        | BTRFS_SUBVOL_CREATE_V2
        | BTRFS_SNAP_DESTROY
        | BTRFS_SNAP_DESTROY_V2
        | BTRFS_SUBVOL_SETFLAGS
        | BTRFS_SET_RECEIVED => Meaning::Forbidden,
        SETFLAGS
        | FSSETXATTR
        | SETVERSION
        | EXT4_SETVERSION
        | EXT4_SETRSVSZ
        | EXT4_MIGRATE
        | SET_ENCRYPTION_POLICY
        | ENABLE_VERITY
        | FAT_SET_ATTRIBUTES
        | BTRFS_DEFRAG
        | BTRFS_DEFRAG_RANGE => Meaning::Metadata,
        _ => Meaning::Other,
    }
}

// proto: int file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
/// Judges a command of a program of 64 bits.
#[inline(always)]
pub fn file_ioctl(context: &LsmContext) -> i32 {
    ioctl(context)
}

// proto: int file_ioctl_compat(struct file *file, unsigned int cmd, unsigned long arg)
/// Judges a command of a program of 32 bits.
#[inline(always)]
pub fn file_ioctl_compat(context: &LsmContext) -> i32 {
    ioctl(context)
}

#[inline(always)]
fn ioctl(context: &LsmContext) -> i32 {
    let number = context.arg::<u64>(1) as u32;
    let meaning = meaning(number);
    if meaning == Meaning::Other {
        return PASS;
    }
    let Some(label) = label::current() else { return PASS };
    if meaning == Meaning::Forbidden {
        return judge::refuse(label, Operation::Control, Cause::Builtin, number);
    }
    let file: Pointer = context.arg(0);
    hold::end(judge::place(label, file::of_file(file), Request::one(Operation::Metadata)))
}
