//! The directory cache: the states of an image's automata after a directory's path. With them a task that is
//! allowed an operation pays for the last name of the path alone.
//!
//! The cache can only allow: any other answer, and any record, takes the whole way. An entry holds as long as
//! the directory it was made for is the one in the request and lies where it lay:
//!
//! - **Where it lies.** The kernel counts every change of a path: `d_move` and `d_splice_alias` under
//!   `rename_lock`, mounting, unmounting and `pivot_root` under `mount_lock`, both sequence locks. Their
//!   sequences are read before anything of the path is, and stored; one more change, and the entry never
//!   matches again. An odd sequence is a change under way: nothing is found, nothing is stored.
//! - **Which it is.** By its entry's address, its mount's address, its inode number and generation. Memory
//!   and inode numbers are used again, generations on the file systems of [`is_known`] are not (random or
//!   counted up) unless a task sets them (`EXT4_IOC_SETVERSION`): so the entry also dies when a labelled
//!   task makes a directory. A mount that is gone was counted by `mount_lock`.
//! - **Which root.** A path is relative to the top mount of the task's mount namespace: part of the key.
//! - **Which image.** By a number that no two images share.
//!
//! Entries belong to a CPU, but a hook can be preempted by another on the same CPU: an entry is taken by
//! an atomic swap while it is read or written, and an entry that is taken is no entry.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use gatekeeper_common::limits::{CACHE_ENTRIES, NAME_BYTES, PATH_BYTES};

use crate::atomic;
use crate::kernel::file::Place;
use crate::kernel::{
    O_DENTRY_INODE, O_DENTRY_NAME, O_DENTRY_PARENT, O_INODE_GENERATION, O_INODE_NUMBER, O_INODE_SUPER,
    O_QSTR_LEN, O_QSTR_NAME, O_SUPER_MAGIC, O_VFSMOUNT_ROOT, Pointer, SEQUENCES_SPAN, at, load, offset,
    sequences_at, task,
};
use crate::layout::{DirectoryEntry, DirectoryKey, SPAN_LIMIT, Scratch, key_use};
use crate::maps::{CACHE, DIRECTORIES};

/// Counts a directory that a labelled task is about to make.
#[inline(always)]
pub fn directory_made() {
    if let Some(count) = DIRECTORIES.get_ptr_mut(0) {
        atomic::fetch_add(count, 1);
    }
}

/// Fills in the key of the directory that a place lies in. Comes before anything else is read of its path.
#[inline(always)]
#[expect(clippy::cast_ptr_alignment, reason = "counters of 32 bits lie apart by a multiple of their size")]
pub fn identify(scratch: &mut Scratch, place: Place) {
    let key = &mut scratch.key;
    key.usable = key_use::NONE;
    let counters = sequences_at();
    let span = offset(&SEQUENCES_SPAN);
    if counters == 0 || span == 0 || span > SPAN_LIMIT {
        return;
    }
    let Some(made) = DIRECTORIES.get(0) else { return };
    key.made = *made;
    // SAFETY: span + 4 bytes at most SPAN_LIMIT + 4, the size of the array.
    let (fault, lower, upper) = unsafe {
        let sequences = (&raw mut key.sequences).cast::<u8>();
        let fault = bpf_probe_read_kernel(
            sequences.cast::<c_void>(),
            (span as u32).wrapping_add(4),
            counters as *const c_void,
        );
        (fault, *sequences.cast::<u32>(), *sequences.add(span).cast::<u32>())
    };
    if fault != 0 || (lower | upper) & 1 != 0 {
        return;
    }
    key.changes = u64::from(lower) | u64::from(upper) << 32;
    let root: Pointer = load(place.mount, &O_VFSMOUNT_ROOT);
    if place.entry == root {
        // Its name in the path is the mountpoint's.
        return;
    }
    let directory: Pointer = load(place.entry, &O_DENTRY_PARENT);
    let inode: Pointer = load(directory, &O_DENTRY_INODE);
    key.directory = directory as u64;
    key.mount = place.mount as u64;
    key.top = task::top_mount(task::current()) as u64;
    key.inode = load(inode, &O_INODE_NUMBER);
    key.generation = load(inode, &O_INODE_GENERATION);
    key.usable = key_use::LOOKUP;
}

/// File systems that never give a directory both the inode number and the generation of another.
#[inline(always)]
const fn is_known(magic: u64) -> bool {
    const EXT4: u64 = 0xef53;
    const XFS: u64 = 0x5846_5342;
    const TMPFS: u64 = 0x0102_1994;
    magic == EXT4 || magic == XFS || magic == TMPFS
}

/// Allows states to be stored for the directory, if its file system is known.
#[inline(always)]
pub fn allow_storing(scratch: &mut Scratch, place: Place) {
    let directory: Pointer = load(place.entry, &O_DENTRY_PARENT);
    let inode: Pointer = load(directory, &O_DENTRY_INODE);
    let known = is_known(load(load(inode, &O_INODE_SUPER), &O_SUPER_MAGIC));
    let storable = known && scratch.key.usable == key_use::LOOKUP;
    scratch.key.usable = if storable { key_use::STORE } else { key_use::NONE };
}

/// Puts the last name of a place alone into the buffer; false where the cache can't help or there is no name.
#[inline(always)]
pub fn put_name(scratch: &mut Scratch, place: Place) -> bool {
    if scratch.key.usable == key_use::NONE {
        return false;
    }
    let name = at(place.entry, &O_DENTRY_NAME);
    let length: u32 = load(name, &O_QSTR_LEN);
    if length == 0 || length > NAME_BYTES as u32 {
        return false;
    }
    let text: Pointer = load(name, &O_QSTR_NAME);
    let name_at = (PATH_BYTES as u32).wrapping_sub(length);
    scratch.name_at = name_at;
    // SAFETY: name_at + length == PATH_BYTES, and the buffer has more.
    let fault = unsafe {
        bpf_probe_read_kernel(
            scratch.path.as_mut_ptr().add(name_at as usize).cast::<c_void>(),
            length,
            text.cast(),
        )
    };
    fault == 0
}

/// The only entry that a directory under the image in a slot can have.
#[inline(always)]
fn entry(key: &DirectoryKey, slot: u32) -> Option<&'static mut DirectoryEntry> {
    const { assert!(CACHE_ENTRIES.is_power_of_two()) }
    let place = (key.directory >> 6) as u32 ^ (key.directory >> 14) as u32 ^ slot.wrapping_mul(37);
    // SAFETY: the map's value, alive as long as the program; `busy` makes it the taker's alone.
    CACHE.get_ptr_mut(place & (CACHE_ENTRIES - 1)).map(|pointer| unsafe { &mut *pointer })
}

/// Finds the directory and writes the states of the two automata after it; false where it is not there. A
/// result with the states in it would make the verifier follow both ways of it.
#[inline(always)]
pub fn find(scratch: &Scratch, slot: u32, image: u64, anchored: &mut u32, floating: &mut u32) -> bool {
    let key = &scratch.key;
    let Some(entry) = entry(key, slot) else { return false };
    if atomic::swap(&raw mut entry.busy, 1) != 0 {
        return false;
    }
    // One comparison of all fields: the verifier would follow both ways of each.
    let differs = entry.directory ^ key.directory
        | entry.mount ^ key.mount
        | entry.top ^ key.top
        | entry.inode ^ key.inode
        | entry.changes ^ key.changes
        | entry.made ^ key.made
        | entry.generation ^ u64::from(key.generation)
        | entry.image ^ image;
    (*anchored, *floating) = (entry.anchored, entry.floating);
    atomic::clear(&raw mut entry.busy);
    differs == 0 && image != 0
}

/// Stores the states of the two automata after the directory, if they can be stored.
#[inline(always)]
pub fn store(scratch: &Scratch, slot: u32, image: u64, states: (u32, u32)) {
    let key = &scratch.key;
    if key.usable != key_use::STORE {
        return;
    }
    let Some(entry) = entry(key, slot) else { return };
    if atomic::swap(&raw mut entry.busy, 1) != 0 {
        return;
    }
    entry.directory = key.directory;
    entry.mount = key.mount;
    entry.top = key.top;
    entry.inode = key.inode;
    entry.changes = key.changes;
    entry.made = key.made;
    entry.generation = u64::from(key.generation);
    entry.image = image;
    (entry.anchored, entry.floating) = states;
    atomic::clear(&raw mut entry.busy);
}
