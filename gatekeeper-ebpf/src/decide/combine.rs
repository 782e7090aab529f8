//! The combination of all layers' answers: the strictest counts, the outermost among equals.

use gatekeeper_common::label::Label;
use gatekeeper_common::limits::LAYERS;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Cell, Verdict};

use super::answer::LayerAnswer;
use super::path::judge_path;
use crate::layers::each_layer;
use crate::layout::{Scratch, UNRESOLVED};
use crate::ruling::Ruling;

/// Asks every layer about the object in the scratch buffer; the strictest answer counts, the outermost
/// among equals. The ruling stands in the buffer.
#[inline(always)]
pub fn evaluate(label: &Label, scratch: &mut Scratch, judge_layer: extern "C" fn(u32, u32, u32) -> u64) {
    let request = scratch.request();
    let mut count = label.count;
    let mut cause = Cause::TooManyLayers;
    if count & UNRESOLVED != 0 {
        cause = Cause::Arguments;
        // The kernel maps the program and its loader before the arguments are final.
        if request.is(Operation::Map) {
            count &= !UNRESOLVED;
        }
    }
    // Stands if the function returns before a layer has answered.
    scratch.set_ruling(Ruling::denied(request.first, cause as u32));
    if count == 0 || count > LAYERS as u32 {
        return;
    }
    // Milder than any answer, so that the first layer's counts.
    scratch.set_ruling(Ruling { cell: Cell::NO_RULE, ..Ruling::denied(request.first, Cause::Policy as u32) });
    scratch.name_only = 0;
    scratch.asking = 0;
    each_layer!(index, layer of label.layers, count => {
        scratch.layer = index;
        let answer = LayerAnswer::from_number(judge_layer(scratch.number, layer.slot, layer.serial));
        let cell = answer.cell();
        let denied = Ruling::denied(request.first, Cause::NoPolicy as u32);
        if answer == LayerAnswer::NO_POLICY {
            scratch.set_ruling(Ruling { layer: index, serial: layer.serial, ..denied });
            return;
        }
        if cell.code() == Verdict::Ask as u8 {
            scratch.asking = scratch.asking.wrapping_add(1);
        }
        let so_far = scratch.ruling();
        if cell.code() > so_far.cell.code() {
            let cell = cell.required_as(so_far.cell);
            let operation = u32::from(if answer.is_by_second() { request.second } else { request.first });
            let (generation, cause) = (scratch.generation, Cause::Policy as u32);
            let serial = layer.serial;
            scratch.set_ruling(Ruling { cell, layer: index, serial, generation, operation, cause, ..denied });
        } else if cell.is_required() {
            // A milder answer still requires a record.
            scratch.set_ruling(Ruling { cell: so_far.cell.required(), ..so_far });
        }
    });
    let ruling = scratch.ruling();
    let code = ruling.cell.code();
    let cause = if code == Verdict::Ask as u8 {
        Cause::Held
    } else if ruling.passes() || code == Verdict::Deny as u8 {
        Cause::Policy
    } else {
        Cause::Corrupt
    };
    scratch.set_ruling(Ruling { cause: cause as u32, ..ruling });
}

/// Whether every layer is known to allow, without audit, the name in the scratch buffer.
#[inline(always)]
pub fn allow_name(label: &Label, scratch: &mut Scratch) -> bool {
    let count = label.count;
    if count == 0 || count > LAYERS as u32 {
        return false;
    }
    scratch.name_only = 1;
    each_layer!(_index, layer of label.layers, count => {
        let answer = LayerAnswer::from_number(judge_path(scratch.number, layer.slot, layer.serial));
        if answer.cell().code() != Verdict::Allow as u8 {
            return false;
        }
    });
    true
}
