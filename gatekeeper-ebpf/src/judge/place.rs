//! Judgements on places in the tree: files, and executable mappings of them.

use core::ptr::read_volatile;

use gatekeeper_common::event::Object;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Cause;

use super::conclude::{conclude, no_buffer};
use crate::cache;
use crate::decide::{allow_name, evaluate, judge_path};
use crate::kernel::file::{Place, changed, identity, of_file};
use crate::kernel::{O_TASK_MM, Pointer, load, memory, task};
use crate::layout::{Scratch, automata};
use crate::outcome::PASS;
use crate::path::{Resolved, resolve};
use crate::ruling::{Request, Ruling};
use crate::scratch::{give, take};

/// The family of a request on a place: all its operations belong to one.
#[inline(always)]
fn family(request: Request) -> Family {
    if request.is(Operation::Exec) || request.is(Operation::Setuid) { Family::Exec } else { Family::File }
}

/// Judges a place in the tree.
#[inline(always)]
pub fn place(label: &mut Label, place: Place, request: Request) -> i32 {
    let Some(scratch) = take() else { return no_buffer(family(request)) };
    let result = judge_place(label, scratch, place, request);
    give(scratch);
    result
}

/// Judges an executable mapping of a file, or of nothing.
///
/// The pointer is compared with null twice: newer verifiers want to see the pointer itself checked, older
/// ones take `mmap_file`'s for one that can't be null (before Linux 6.14) and drop that check as dead. So a
/// copy is compared as well, in memory where they don't know types.
#[inline(always)]
pub fn mapping(label: &mut Label, mapped: Pointer) -> i32 {
    if mapped.is_null() {
        return PASS;
    }
    let Some(scratch) = take() else { return no_buffer(Family::File) };
    scratch.entry = mapped as u64;
    scratch.root = task::program(task::current()) as u64;
    scratch.maps_itself = u32::from(scratch.entry == scratch.root);
    // SAFETY: a field of a live value.
    let result = if unsafe { read_volatile(&raw const scratch.entry) } == 0 {
        PASS
    } else {
        // While an exec sets up its memory nothing can start again.
        let can_wait = memory::is_set_up(load(task::current(), &O_TASK_MM));
        judge_place(label, scratch, of_file(mapped), Request::one(Operation::Map).held_if(can_wait))
    };
    give(scratch);
    result
}

/// The result of resolving a place as a number: the code of a cause to deny it, or one of these.
const FOUND: u32 = Cause::Policy as u32;
const NAMELESS: u32 = u32::MAX;

#[inline(always)]
fn judge_place(label: &mut Label, scratch: &mut Scratch, place: Place, request: Request) -> i32 {
    scratch.set_request(request);
    scratch.automata = automata::PATH;
    cache::identify(scratch, place);
    if cache::put_name(scratch, place) && allow_name(label, scratch) {
        return PASS;
    }
    let resolved = find(scratch, place);
    if resolved == NAMELESS && !request.is(Operation::Setuid) && !request.is(Operation::Map) {
        return PASS;
    }
    let found = decide_found(label, scratch, place, resolved);
    let object = if found { Object::Path } else { Object::None };
    let bits = scratch.request().bits();
    if request.is(Operation::Setuid) {
        scratch.changed = changed(place.entry);
    }
    conclude(label, scratch, (family(request), object), identity(place.entry), bits)
}

/// Resolves and decides; whether there is a path. The ruling stands in the buffer.
#[inline(always)]
pub fn decide_place(label: &Label, scratch: &mut Scratch, place: Place) -> bool {
    let resolved = find(scratch, place);
    decide_found(label, scratch, place, resolved)
}

#[inline(always)]
fn find(scratch: &mut Scratch, place: Place) -> u32 {
    let resolved = match resolve(place, scratch) {
        Ok(Resolved::Path) => FOUND,
        Ok(Resolved::Nameless) => NAMELESS,
        Err(cause) => cause as u32,
    };
    scratch.forget(resolved)
}

#[inline(always)]
fn decide_found(label: &Label, scratch: &mut Scratch, place: Place, resolved: u32) -> bool {
    if resolved == FOUND {
        cache::allow_storing(scratch, place);
        evaluate(label, scratch, judge_path);
    } else {
        let cause = if resolved == NAMELESS { Cause::Detached as u32 } else { resolved };
        scratch.set_ruling(Ruling::denied(scratch.request().first, cause));
    }
    resolved == FOUND
}
