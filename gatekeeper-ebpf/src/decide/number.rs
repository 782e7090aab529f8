//! One layer's answer about a number: a capability, or an operation that only has a default.

use gatekeeper_common::image::{CAPABILITIES, Header, MAGIC};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cell;

use super::answer::{LayerAnswer, column};
use crate::bounds::pick;
use crate::image::{large, small};
use crate::layout::Scratch;
use crate::scratch;

/// Returns one layer's [`LayerAnswer`] about a number, which stands in the scratch buffer as [`Scratch::at`].
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_number(buffer: u32, slot: u32, serial: u32) -> u64 {
    let Some(scratch) = scratch::numbered(buffer) else { return LayerAnswer::NO_POLICY.number() };
    if let Some(planes) = small(slot) {
        return answer(planes.header(), scratch, serial).number();
    }
    if let Some(planes) = large(slot) {
        return answer(planes.header(), scratch, serial).number();
    }
    LayerAnswer::NO_POLICY.number()
}

#[inline(always)]
fn answer(header: &Header, scratch: &mut Scratch, serial: u32) -> LayerAnswer {
    if header.magic != MAGIC || header.serial != serial {
        return LayerAnswer::NO_POLICY;
    }
    scratch.generation = header.generation;
    let operation = scratch.request().first;
    let mut cell = Cell::NO_RULE;
    if operation == Operation::Capability as u8 {
        let number = scratch.at;
        if number >= CAPABILITIES as u32 {
            return LayerAnswer::NO_POLICY;
        }
        cell = *pick(&header.capabilities, number);
    }
    LayerAnswer::new(cell.or(column(&header.defaults, operation)), false)
}
