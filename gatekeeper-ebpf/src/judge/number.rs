//! Judgements on a number or on nothing: capabilities, and what the kernel offers as a whole.

use gatekeeper_common::event::Object;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::Operation;

use super::conclude::{conclude, no_buffer};
use crate::decide::{evaluate, judge_number};
use crate::outcome::Outcome;
use crate::ruling::Request;
use crate::scratch::{give, take};

/// Judges a capability by its number, or an operation that only has a default. Recorded unless the caller
/// only asks (`quiet`). A capability can't wait: its caller turns whatever a hook returns into a plain
/// refusal (kernel/capability.c `ns_capable_common`, Linux 6.12).
#[inline(always)]
pub fn number(label: &Label, operation: Operation, number: u32, quiet: bool) -> i32 {
    let Some(scratch) = take() else { return no_buffer(operation.family()) };
    scratch.set_request(Request::one(operation).held_if(operation as u8 != Operation::Capability as u8));
    scratch.at = number;
    evaluate(label, scratch, judge_number);
    let result = if quiet {
        Outcome::passed_if(scratch.ruling().passes()).result()
    } else {
        conclude(label, scratch, (operation.family(), Object::None), (0, 0), number)
    };
    give(scratch);
    result
}
