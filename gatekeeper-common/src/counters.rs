//! Counters of lost events and of denials by [`Cause`], exact.

use crate::operation::Family;
use crate::verdict::Cause;

/// Counters in the kernel's table.
pub const COUNTERS: u32 = 64;
/// The counter that numbers events; also how many were ever made.
pub const SEQUENCE: u32 = 0;
/// Labels that could not be stored on a task that entered a labelled cgroup at its birth.
pub const UNLABELLED: u32 = 1;

/// The counter of events of this family that found no room in the ring buffer.
#[must_use]
#[inline(always)]
pub const fn lost(family: Family) -> u32 {
    8 + family as u32
}

/// The counter of operations denied for this cause.
#[must_use]
#[inline(always)]
pub const fn denied(cause: Cause) -> u32 {
    32 + cause as u32
}

const _: () = assert!(lost(Family::Kernel) < denied(Cause::Policy));
const _: () = assert!(denied(Cause::Changed) < COUNTERS);
