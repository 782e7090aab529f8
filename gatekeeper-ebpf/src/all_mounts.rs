//! Entries without a mount: some hooks name the entry that a task changes, and not the mount through which it
//! does. Then every mount of the task's namespace that shows the entry must allow it.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gatekeeper_common::event::Object;
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::SIBLING_MOUNTS;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Cause;

use crate::decide::{evaluate, judge_path};
use crate::judge::{conclude, no_buffer};
use crate::kernel::file::identity;
use crate::kernel::{
    O_DENTRY_INODE, O_INODE_SUPER, O_MOUNT_INSTANCE, O_MOUNT_NAMESPACE, O_MOUNT_NEXT, O_NSPROXY_MNT,
    O_SUPER_MOUNTS, O_TASK_NSPROXY, Pointer, at, load, offset, read, task,
};
use crate::layout::{Scratch, key_use};
use crate::outcome::PASS;
use crate::path::resolve_on;
use crate::ruling::{Request, Ruling};
use crate::scratch::{give, take};

/// The state of a walk over the mounts of a file system.
#[repr(C)]
struct Walk {
    scratch: *mut Scratch,
    label: *const Label,
    entry: u64,
    namespace: u64,
    top: u64,
    /// Beginning and end of the list, in its older form.
    head: u64,
    /// The mount to be visited, or the link to it in the list; 0 behind the last.
    next: u64,
}

/// Steps to the next mount; `None` behind the last.
#[inline(always)]
fn step(walk: &mut Walk) -> Option<u64> {
    let here = walk.next;
    if here == 0 || here == walk.head {
        walk.next = 0;
        return None;
    }
    let chained = offset(&O_MOUNT_NEXT);
    if chained != 0 {
        walk.next = read::<u64>(here.wrapping_add(chained as u64) as Pointer)?;
        return Some(here);
    }
    // `struct list_head` begins with the link to the next.
    walk.next = read::<u64>(here as Pointer)?;
    Some(here.wrapping_sub(offset(&O_MOUNT_INSTANCE) as u64))
}

/// Judges the entry on one mount; ends the walk where the mount refuses.
extern "C" fn turn(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer that `walk_on` gave it; the structure behind it is the hook's own.
    let walk = unsafe { &mut *context.cast::<Walk>() };
    let (scratch, label) = (walk.scratch, walk.label);
    // SAFETY: as above.
    let (scratch, label) = unsafe { (&mut *scratch, &*label) };
    let Some(mount) = step(walk) else { return 1 };
    if read::<u64>(at(mount as Pointer, &O_MOUNT_NAMESPACE)) != Some(walk.namespace) {
        return 0;
    }
    let Some(resolved) = resolve_on(mount, walk.entry, walk.top, scratch) else { return 0 };
    if let Err(cause) = resolved {
        scratch.set_ruling(Ruling::denied(scratch.request().first, cause as u32));
        return 1;
    }
    evaluate(label, scratch, judge_path);
    i64::from(!scratch.ruling().passes())
}

/// Judges an operation on an entry, by these [`crate::layout::automata`]. An entry that no mount of the
/// task's namespace shows is not the task's doing: a file system stacked on it, which was judged itself, acts
/// on the lower one (overlayfs).
#[inline(always)]
pub fn judge(label: &Label, entry: Pointer, operation: Operation, automata: u32) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::File) };
    scratch.set_request(Request::one(operation));
    scratch.automata = automata;
    scratch.key.usable = key_use::NONE;
    let inode: Pointer = load(entry, &O_DENTRY_INODE);
    if inode.is_null() {
        give(scratch);
        return PASS;
    }
    let current = task::current();
    let mounts = at(load(inode, &O_INODE_SUPER), &O_SUPER_MOUNTS) as u64;
    let namespace: Pointer = load(load(current, &O_TASK_NSPROXY), &O_NSPROXY_MNT);
    let mut walk = Walk {
        scratch: &raw mut *scratch,
        label,
        entry: entry as u64,
        namespace: namespace as u64,
        top: task::top_mount(current) as u64,
        head: mounts,
        next: read::<u64>(mounts as Pointer).unwrap_or(mounts),
    };
    let mut result = walk_on(&mut walk, scratch, label, entry);
    // An operation approved on one mount is judged on the others; two can't be asked about at once.
    if result == PASS && !scratch.ruling().passes() {
        scratch.set_request(Request::one(operation).held_if(false));
        result = walk_on(&mut walk, scratch, label, entry);
    }
    give(scratch);
    result
}

/// Walks on until a mount does not allow the operation plainly, and concludes.
#[inline(always)]
fn walk_on(walk: &mut Walk, scratch: &mut Scratch, label: &Label, entry: Pointer) -> i32 {
    let request = scratch.request();
    scratch.set_ruling(Ruling::allowed(request.first));
    // SAFETY: the callback takes a Walk, and the verifier checks both.
    unsafe { bpf_loop(SIBLING_MOUNTS, turn as *mut c_void, (&raw mut *walk).cast(), 0) };
    if walk.next != 0 && scratch.ruling().passes() {
        scratch.set_ruling(Ruling::denied(request.first, Cause::TooDeep as u32));
    }
    conclude(label, scratch, (Family::File, Object::Path), identity(entry), request.bits())
}
