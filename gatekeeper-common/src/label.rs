//! The label that the kernel keeps on a task: its session, and the policies that bind it.

use crate::limits::LAYERS;
use bytemuck::{Pod, Zeroable};

/// One layer of policy: where its image is, and the number that proves the image is the one meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct Layer {
    /// Index into the table of images, below [`crate::limits::SLOTS`].
    pub slot: u32,
    /// Must equal [`crate::image::Header::serial`]; never used twice, so that a slot given to another
    /// policy can't be taken for this one. Never 0.
    pub serial: u32,
}

/// The exec may only pass if it can be recorded.
pub const REQUIRED: u32 = 1;
/// Its record found no room on the way.
pub const UNSENT: u32 = 2;

/// The label of a task. Absent on tasks that belong to no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Label {
    /// The innermost session.
    pub session: u64,
    /// Sequence number of the event that recorded the exec of the running program; 0 before the first.
    pub program: u64,
    /// The same for an exec that has been judged and not yet happened.
    pub pending: u64,
    /// Layers in use; one more than [`LAYERS`] means that too many came together: deny everything.
    pub count: u32,
    /// Flags of the exec under way: [`REQUIRED`] and [`UNSENT`].
    pub exec: u32,
    /// Number of arguments of the exec under way.
    pub strings: u32,
    /// Explicit padding.
    pub pad: u32,
    /// The layers, outermost first. Every one must agree.
    pub layers: [Layer; LAYERS],
}

const _: () = assert!(size_of::<Layer>() == 8);
const _: () = assert!(size_of::<Label>() == 104);
