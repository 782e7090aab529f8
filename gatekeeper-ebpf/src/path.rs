//! From a place in the tree to the bytes of its path: one walk for all hooks, with one meaning.
//!
//! The path is built from its end, entry by entry and mount by mount, up to the root of the task's
//! mount namespace, whatever the task's own root or working directory. What does not lead there is a
//! cause to deny, never a guess. Two loops: up to the root of the file's own mount the verifier knows
//! what each pointer points to, and a load costs one instruction; above it nothing is known (the step
//! from `struct vfsmount` to the `struct mount` around it is one no verifier follows), and a load costs
//! a call.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_loop, bpf_probe_read_kernel};
use gatekeeper_common::limits::{COMPONENTS, MOUNTS, NAME_BYTES, PATH_BYTES};
use gatekeeper_common::verdict::Cause;

use crate::kernel::file::{Place, is_nameless_pipe};
use crate::kernel::{
    O_DENTRY_NAME, O_DENTRY_PARENT, O_MOUNT_MNT, O_MOUNT_PARENT, O_QSTR_LEN, O_QSTR_NAME, O_VFSMOUNT_ROOT, Pointer,
    at, load, offset, read, task,
};
use crate::scratch::{PATH_ROOM, Scratch};

/// What a place comes to.
pub enum Resolved {
    /// The path stands in the scratch buffer.
    Path,
    /// A pipe without a name.
    Pipe,
}

/// How a climb ended. Plain numbers, as they live in memory the verifier watches.
mod end {
    pub const OUT_OF_STEPS: u32 = 0;
    pub const MOUNT_ROOT: u32 = 1;
    pub const TOP: u32 = 2;
    pub const NO_PARENT: u32 = 3;
    pub const TOO_LONG: u32 = 4;
    pub const UNREADABLE: u32 = 5;
}

#[repr(C)]
struct Climb {
    /// The entry reached.
    entry: Pointer,
    /// Root of the mount that it lies on.
    root: Pointer,
    /// `struct mount` of that mount. Only above the first mount.
    mount: Pointer,
    /// The path built so far begins here.
    at: u32,
    /// Components so far.
    depth: u32,
    end: u32,
    buffer: *mut u8,
}

/// Puts a name and the slash before it in front of the path.
#[inline(always)]
fn prepend(climb: &mut Climb, name: Pointer, length: u32) -> bool {
    if length > NAME_BYTES as u32 || climb.depth >= COMPONENTS {
        climb.end = end::TOO_LONG;
        return false;
    }
    let at = climb.at.wrapping_sub(length + 1);
    if at >= PATH_BYTES as u32 {
        climb.end = end::TOO_LONG;
        return false;
    }
    climb.at = at;
    climb.depth += 1;
    // SAFETY: at < PATH_BYTES and the buffer has PATH_ROOM = PATH_BYTES + NAME_BYTES + 1 bytes.
    let fault = unsafe {
        let slash = climb.buffer.add(at as usize);
        *slash = b'/';
        bpf_probe_read_kernel(slash.add(1).cast::<c_void>(), length, name.cast())
    };
    if fault != 0 {
        climb.end = end::UNREADABLE;
        return false;
    }
    true
}

/// One step up on the file's own mount.
extern "C" fn climb_typed(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop hands on the pointer it was given.
    let climb = unsafe { &mut *context.cast::<Climb>() };
    let entry = climb.entry;
    if entry == climb.root {
        climb.end = end::MOUNT_ROOT;
        return 1;
    }
    let parent: Pointer = load(entry, &O_DENTRY_PARENT);
    if parent == entry {
        climb.end = end::NO_PARENT;
        return 1;
    }
    let name = at(entry, &O_DENTRY_NAME);
    let length: u32 = load(name, &O_QSTR_LEN);
    if !prepend(climb, load(name, &O_QSTR_NAME), length) {
        return 1;
    }
    climb.entry = parent;
    0
}

/// The first two fields of `struct qstr` that count, and of `struct mount`: neighbours, read at once.
#[repr(C)]
#[derive(Clone, Copy)]
struct Attachment {
    parent: Pointer,
    mountpoint: Pointer,
}

/// One step above the first mount: to the mount's parent, or one entry up.
extern "C" fn climb_raw(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop hands on the pointer it was given.
    let climb = unsafe { &mut *context.cast::<Climb>() };
    if climb.entry == climb.root {
        let Some(up) = read::<Attachment>(at(climb.mount, &O_MOUNT_PARENT)) else {
            climb.end = end::UNREADABLE;
            return 1;
        };
        if up.parent == climb.mount {
            climb.end = end::TOP;
            return 1;
        }
        let Some(root) = read::<Pointer>(at(at(up.parent, &O_MOUNT_MNT), &O_VFSMOUNT_ROOT)) else {
            climb.end = end::UNREADABLE;
            return 1;
        };
        climb.mount = up.parent;
        climb.entry = up.mountpoint;
        climb.root = root;
        return 0;
    }
    let entry = climb.entry;
    let name = at(entry, &O_DENTRY_NAME);
    let (Some(parent), Some(length), Some(text)) = (
        read::<Pointer>(at(entry, &O_DENTRY_PARENT)),
        read::<u32>(at(name, &O_QSTR_LEN)),
        read::<Pointer>(at(name, &O_QSTR_NAME)),
    ) else {
        climb.end = end::UNREADABLE;
        return 1;
    };
    if parent == entry {
        climb.end = end::NO_PARENT;
        return 1;
    }
    if !prepend(climb, text, length) {
        return 1;
    }
    climb.entry = parent;
    0
}

/// Writes the path of `place` into the scratch buffer.
#[inline(always)]
pub fn resolve(place: Place, scratch: &mut Scratch) -> Result<Resolved, Cause> {
    let top = task::top_mount(task::current());
    let first = place.mount.wrapping_sub(offset(&O_MOUNT_MNT));
    let mut climb = Climb {
        entry: place.entry,
        root: load(place.mount, &O_VFSMOUNT_ROOT),
        mount: first,
        at: PATH_BYTES as u32,
        depth: 0,
        end: end::OUT_OF_STEPS,
        buffer: scratch.path.as_mut_ptr(),
    };
    const { assert!(PATH_ROOM == PATH_BYTES + NAME_BYTES + 1) }
    // SAFETY: the callback takes a Climb, and the verifier checks both.
    unsafe {
        bpf_loop(COMPONENTS + 1, climb_typed as *mut c_void, (&raw mut climb).cast(), 0);
    }
    match climb.end {
        end::MOUNT_ROOT => {}
        end::OUT_OF_STEPS => return Err(Cause::TooDeep),
        end::NO_PARENT if is_nameless_pipe(place.entry) => return Ok(Resolved::Pipe),
        end::NO_PARENT => return Err(Cause::Detached),
        end::UNREADABLE => return Err(Cause::Unreadable),
        _ => return Err(too_long_or_deep(&climb)),
    }
    if first != top || climb.mount != top {
        // The root is known; forget its type, which the raw loop can't keep.
        let mut above = Climb { end: end::OUT_OF_STEPS, ..climb };
        // SAFETY: as above.
        unsafe {
            bpf_loop(COMPONENTS + MOUNTS, climb_raw as *mut c_void, (&raw mut above).cast(), 0);
        }
        match above.end {
            end::TOP if above.mount == top => {}
            end::TOP | end::NO_PARENT if is_nameless_pipe(place.entry) => return Ok(Resolved::Pipe),
            end::TOP | end::NO_PARENT => return Err(Cause::Detached),
            end::OUT_OF_STEPS => return Err(Cause::TooDeep),
            end::UNREADABLE => return Err(Cause::Unreadable),
            _ => return Err(too_long_or_deep(&above)),
        }
        climb.at = above.at;
    }
    if climb.at >= PATH_BYTES as u32 {
        // The root directory itself.
        climb.at = PATH_BYTES as u32 - 1;
        scratch.path[PATH_BYTES - 1] = b'/';
    }
    scratch.at = climb.at;
    Ok(Resolved::Path)
}

#[inline(always)]
fn too_long_or_deep(climb: &Climb) -> Cause {
    if climb.depth >= COMPONENTS { Cause::TooDeep } else { Cause::TooLong }
}
