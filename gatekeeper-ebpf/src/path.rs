//! The path of a place in the tree, as bytes: one walk for all hooks, with one meaning.
//!
//! The path is built from its end, entry by entry and mount by mount, up to the root of the task's
//! mount namespace, whatever the task's own root or working directory. A way that does not lead there is a
//! cause to deny, never a guess. Two loops: up to the root of the file's own mount the verifier knows
//! what each pointer points to, and a load costs one instruction; above it nothing is known (the step
//! from `struct vfsmount` to the `struct mount` around it is one no verifier follows), and a load costs
//! a call.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_loop, bpf_probe_read_kernel};
use gatekeeper_common::limits::{COMPONENTS, MOUNTS, NAME_BYTES, PATH_BYTES};
use gatekeeper_common::verdict::Cause;

use crate::kernel::file::{Place, is_nameless};
use crate::kernel::{
    O_DENTRY_NAME, O_DENTRY_PARENT, O_MOUNT_MNT, O_MOUNT_PARENT, O_QSTR_LEN, O_QSTR_NAME, O_VFSMOUNT_ROOT,
    Pointer, at, load, offset, read, task,
};
use crate::layout::{PATH_ROOM, Scratch};

/// The result of resolving a place.
pub enum Resolved {
    /// The path stands in the scratch buffer.
    Path,
    /// The place is not in the tree and gives no file: a pipe without a name, a process or a namespace.
    Nameless,
}

/// Ends of a climb. Plain numbers, as they live in memory the verifier watches.
mod end {
    pub const OUT_OF_STEPS: u32 = 0;
    pub const MOUNT_ROOT: u32 = 1;
    pub const TOP: u32 = 2;
    pub const NO_PARENT: u32 = 3;
    pub const TOO_LONG: u32 = 4;
    pub const UNREADABLE: u32 = 5;
}

/// The position of a climb. Only pointers whose types the verifier must know stand here, on the stack;
/// numbers stand in the scratch buffer, where the verifier doesn't follow each value they could have.
#[repr(C)]
struct Climb {
    /// The entry reached.
    entry: Pointer,
    /// Root of the mount that it lies on.
    root: Pointer,
    scratch: *mut Scratch,
}

/// Puts a slash and a name in front of the path; false where it gets too long or can't be read.
#[inline(always)]
fn prepend(scratch: &mut Scratch, name: Pointer, length: u32) -> bool {
    if length > NAME_BYTES as u32 {
        scratch.end = end::TOO_LONG;
        return false;
    }
    let at = scratch.at.wrapping_sub(length.wrapping_add(1));
    if at >= PATH_BYTES as u32 {
        scratch.end = end::TOO_LONG;
        return false;
    }
    if scratch.depth == 0 {
        scratch.name_at = at.wrapping_add(1);
    }
    scratch.at = at;
    scratch.depth = scratch.depth.wrapping_add(1);
    // SAFETY: at < PATH_BYTES and the buffer has PATH_ROOM = PATH_BYTES + NAME_BYTES + 1 bytes.
    let fault = unsafe {
        let slash = scratch.path.as_mut_ptr().add(at as usize);
        *slash = b'/';
        bpf_probe_read_kernel(slash.add(1).cast::<c_void>(), length, name.cast())
    };
    if fault != 0 {
        scratch.end = end::UNREADABLE;
        return false;
    }
    true
}

/// One step up on the file's own mount.
extern "C" fn climb_typed(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given.
    let climb = unsafe { &mut *context.cast::<Climb>() };
    // SAFETY: the buffer belongs to the hook that climbs.
    let scratch = unsafe { &mut *climb.scratch };
    let entry = climb.entry;
    if entry == climb.root {
        scratch.end = end::MOUNT_ROOT;
        return 1;
    }
    let parent: Pointer = load(entry, &O_DENTRY_PARENT);
    if parent == entry {
        scratch.end = end::NO_PARENT;
        return 1;
    }
    let name = at(entry, &O_DENTRY_NAME);
    let length: u32 = load(name, &O_QSTR_LEN);
    if !prepend(scratch, load(name, &O_QSTR_NAME), length) {
        return 1;
    }
    climb.entry = parent;
    0
}

/// The two fields of `struct mount` (fs/mount.h) that say where it is mounted: neighbours, read at once.
#[repr(C)]
#[derive(Clone, Copy)]
struct Attachment {
    parent: Pointer,
    mountpoint: Pointer,
}

/// One step above the first mount: to the mount's parent, or one entry up.
extern "C" fn climb_raw(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given, to a buffer that belongs to the hook.
    let scratch = unsafe { &mut **context.cast::<*mut Scratch>() };
    scratch.end = end::UNREADABLE;
    if scratch.entry == scratch.root {
        let mount = scratch.mount as Pointer;
        let Some(up) = read::<Attachment>(at(mount, &O_MOUNT_PARENT)) else { return 1 };
        if up.parent == mount {
            scratch.end = end::TOP;
            return 1;
        }
        let Some(root) = read::<u64>(at(at(up.parent, &O_MOUNT_MNT), &O_VFSMOUNT_ROOT)) else { return 1 };
        scratch.mount = up.parent as u64;
        scratch.entry = up.mountpoint as u64;
        scratch.root = root;
        scratch.end = end::OUT_OF_STEPS;
        return 0;
    }
    let entry = scratch.entry as Pointer;
    let name = at(entry, &O_DENTRY_NAME);
    let (Some(parent), Some(length), Some(text)) = (
        read::<u64>(at(entry, &O_DENTRY_PARENT)),
        read::<u32>(at(name, &O_QSTR_LEN)),
        read::<Pointer>(at(name, &O_QSTR_NAME)),
    ) else {
        return 1;
    };
    if parent == scratch.entry {
        scratch.end = end::NO_PARENT;
        return 1;
    }
    if !prepend(scratch, text, length) {
        return 1;
    }
    scratch.entry = parent;
    scratch.end = end::OUT_OF_STEPS;
    0
}

/// Writes the path that `entry` has on the mount `mount` into the scratch buffer: by addresses alone, of
/// which the verifier knows nothing. `None` where the mount does not show the entry.
#[inline(always)]
pub fn resolve_on(mount: u64, entry: u64, top: u64, scratch: &mut Scratch) -> Option<Result<(), Cause>> {
    scratch.at = PATH_BYTES as u32;
    scratch.name_at = PATH_BYTES as u32;
    scratch.depth = 0;
    scratch.end = end::OUT_OF_STEPS;
    scratch.mount = mount;
    scratch.entry = entry;
    let Some(root) = read::<u64>(at(at(mount as Pointer, &O_MOUNT_MNT), &O_VFSMOUNT_ROOT)) else {
        return Some(Err(Cause::Unreadable));
    };
    scratch.root = root;
    let mut context: *mut Scratch = scratch;
    // SAFETY: the callback takes a pointer to a Scratch.
    unsafe {
        bpf_loop(COMPONENTS + MOUNTS, climb_raw as *mut c_void, (&raw mut context).cast(), 0);
    }
    match scratch.end {
        end::TOP if scratch.mount == top && scratch.depth <= COMPONENTS => {}
        end::NO_PARENT => return None,
        end::UNREADABLE => return Some(Err(Cause::Unreadable)),
        end::TOO_LONG => return Some(Err(Cause::TooLong)),
        end::TOP => return Some(Err(Cause::Detached)),
        _ => return Some(Err(Cause::TooDeep)),
    }
    name_root(scratch);
    Some(Ok(()))
}

/// The root directory itself has no name.
#[inline(always)]
fn name_root(scratch: &mut Scratch) {
    if scratch.at >= PATH_BYTES as u32 {
        scratch.at = (PATH_BYTES - 1) as u32;
        scratch.path[PATH_BYTES - 1] = b'/';
    }
}

/// Writes the path of `place` into the scratch buffer.
#[inline(always)]
pub fn resolve(place: Place, scratch: &mut Scratch) -> Result<Resolved, Cause> {
    const { assert!(PATH_ROOM == PATH_BYTES + NAME_BYTES + 1) }
    let top = task::top_mount(task::current()) as u64;
    let first = place.mount.wrapping_sub(offset(&O_MOUNT_MNT)) as u64;
    scratch.at = PATH_BYTES as u32;
    scratch.name_at = PATH_BYTES as u32;
    scratch.depth = 0;
    scratch.end = end::OUT_OF_STEPS;
    let mut climb = Climb { entry: place.entry, root: load(place.mount, &O_VFSMOUNT_ROOT), scratch };
    // SAFETY: the callback takes a Climb, and the verifier checks both.
    unsafe {
        bpf_loop(COMPONENTS + 1, climb_typed as *mut c_void, (&raw mut climb).cast(), 0);
    }
    if scratch.end == end::MOUNT_ROOT && first != top {
        scratch.mount = first;
        scratch.entry = climb.root as u64;
        scratch.root = climb.root as u64;
        scratch.end = end::OUT_OF_STEPS;
        let mut context: *mut Scratch = scratch;
        // SAFETY: the callback takes a pointer to a Scratch.
        unsafe {
            bpf_loop(COMPONENTS + MOUNTS, climb_raw as *mut c_void, (&raw mut context).cast(), 0);
        }
        if scratch.end == end::TOP && scratch.mount != top {
            scratch.end = end::NO_PARENT;
        }
    }
    match scratch.end {
        end::MOUNT_ROOT | end::TOP if scratch.depth <= COMPONENTS => {}
        end::NO_PARENT if is_nameless(place) => return Ok(Resolved::Nameless),
        end::NO_PARENT => return Err(Cause::Detached),
        end::UNREADABLE => return Err(Cause::Unreadable),
        end::TOO_LONG => return Err(Cause::TooLong),
        _ => return Err(Cause::TooDeep),
    }
    name_root(scratch);
    Ok(Resolved::Path)
}
