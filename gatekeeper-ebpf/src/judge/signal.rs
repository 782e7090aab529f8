//! Judgements on signals.

use gatekeeper_common::event::Object;
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::PATH_BYTES;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Cause;

use super::conclude::{conclude, finish_unresolved, no_buffer};
use crate::bounds::masked;
use crate::decide::{evaluate, judge_path};
use crate::kernel::file::of_file;
use crate::kernel::{Pointer, task};
use crate::layout::automata;
use crate::path::{Resolved, resolve};
use crate::ruling::Request;
use crate::scratch::{give, take};

/// Judges a signal to a task outside the session, by the program it runs. The automaton walks the signal's
/// number as a byte, then the program's path.
#[inline(always)]
pub fn signal(label: &Label, target: Pointer, number: u32) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Signal) };
    scratch.set_request(Request::one(Operation::Signal));
    scratch.automata = automata::SIGNAL;
    let place = of_file(task::program(target));
    let at = match resolve(place, scratch) {
        Ok(Resolved::Path) => scratch.at,
        Ok(Resolved::Nameless) => 0,
        Err(cause) => return finish_unresolved(label, scratch, Family::Signal, cause, number),
    };
    if at == 0 || at >= PATH_BYTES as u32 {
        return finish_unresolved(label, scratch, Family::Signal, Cause::TooLong, number);
    }
    let before = masked::<{ PATH_BYTES as i32 - 1 }>(at.wrapping_sub(1));
    // SAFETY: before < PATH_BYTES.
    unsafe { *scratch.path.as_mut_ptr().add(before) = number as u8 };
    scratch.at = before as u32;
    evaluate(label, scratch, judge_path);
    // The event's object is the path alone.
    scratch.at = at;
    let pid = u64::from(task::process_id(target));
    let result = conclude(label, scratch, (Family::Signal, Object::Process), (0, pid), number);
    give(scratch);
    result
}
