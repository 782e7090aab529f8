//! Pseudo terminals: a session opens those that it made, and the one that it was started on. Every other of its user's
//! shows what is typed into it, and a person believes what stands there.

use aya_ebpf::programs::LsmContext;
use gatekeeper_common::label::Label;

use crate::kernel::terminal::{is_in_devpts, is_pseudo, was_handed_to};
use crate::kernel::{O_DENTRY_INODE, Pointer, file::Place, load, task};
use crate::label;
use crate::layout::Owner;
use crate::maps::OBJECTS;
use crate::outcome::PASS;

// proto: int inode_alloc_security(struct inode *inode)
/// Keeps the owner of a new pseudo terminal, whose inode is made with it (fs/devpts/inode.c `devpts_pty_new`, Linux
/// 6.12). One whose owner can't be kept is opened by nobody in the session but as its controlling terminal. The
/// address can have been another's.
#[inline(always)]
pub fn inode_alloc_security(context: &LsmContext) -> i32 {
    let inode: Pointer = context.arg(0);
    if !is_in_devpts(inode) {
        return PASS;
    }
    let _ = match label::current() {
        Some(label) => OBJECTS.insert(inode as u64, Owner::of(label), 0),
        None => OBJECTS.remove(inode as u64),
    };
    PASS
}

// proto: void inode_free_security(struct inode *inode)
/// Forgets a pseudo terminal.
#[inline(always)]
pub fn inode_free_security(context: &LsmContext) -> i32 {
    let inode: Pointer = context.arg(0);
    if is_in_devpts(inode) {
        let _ = OBJECTS.remove(inode as u64);
    }
    PASS
}

/// Whether a place is a pseudo terminal that the labelled task's session neither made nor was started on.
#[inline(always)]
pub(super) fn is_foreign(label: &Label, place: Place) -> bool {
    let inode: Pointer = load(place.entry, &O_DENTRY_INODE);
    if inode.is_null() || !is_pseudo(inode) {
        return false;
    }
    // SAFETY: a value of a map that is not preallocated stays readable until the program ends (RCU).
    let own = unsafe { OBJECTS.get(inode as u64) }.is_some_and(|owner| owner.is_within(label));
    !own && !was_handed_to(task::current(), inode)
}
