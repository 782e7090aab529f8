//! Holds: operations that wait in the kernel for a decision, and the decisions given for more than one.

use crate::event::Header;
use crate::limits::PATH_BYTES;
use bytemuck::{Pod, Zeroable};

/// Key of a hold or a grant: a place of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Pod, Zeroable)]
#[repr(C)]
pub struct TableKey {
    /// The session.
    pub session: u64,
    /// Below [`crate::limits::HOLDS_PER_SESSION`], or [`crate::limits::GRANTS_PER_SESSION`].
    pub index: u32,
    /// Explicit padding.
    pub pad: u32,
}

/// Progress of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// It waits for a decision.
    Waiting = 1,
    /// The task has had its answer, or is gone: the place is free.
    Answered = 2,
    /// It was approved, and what was approved is still looked up here: by an exec until the new program runs, by a
    /// hook that judges several things until it has judged all.
    Approved = 3,
}

/// The question, as a person is shown it, and as the answer binds: a question asked again is compared with it
/// byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Hold {
    /// The event that announced it; its sequence number is the hold's.
    pub event: Header,
    /// The object, as long as the event says.
    pub object: [u8; PATH_BYTES],
    /// Arguments of an exec, its name included, each closed by a NUL.
    pub arguments: [u8; PATH_BYTES],
    /// Bytes of arguments.
    pub length: u32,
    /// Number of arguments.
    pub count: u32,
    /// Device of the program that asks.
    pub device: u64,
    /// Its inode number.
    pub inode: u64,
    /// Last change of the file that is to start, by its ctime; 0 of any other operation.
    pub changed: u64,
    /// Device and inode number of the folder that a program is started in; 0 of any other operation.
    pub folder: [u64; 2],
    /// [`State`].
    pub state: u32,
    /// Bytes of the first of the arguments.
    pub name: u32,
}

const _: () = assert!(size_of::<TableKey>() == 16);
const _: () = assert!(size_of::<Hold>() == 8376);

/// Scope of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Scope {
    /// Exactly what was shown.
    Exact = 1,
    /// All that the same rule asks about.
    Rule = 2,
}

/// An approval for more than once, within its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Grant {
    /// Nanoseconds since boot (`CLOCK_BOOTTIME`) until which it holds.
    pub until: u64,
    /// [`Scope`].
    pub scope: u32,
    /// Explicit padding.
    pub pad: u32,
    /// The hold that was approved.
    pub hold: Hold,
}

const _: () = assert!(size_of::<Grant>() == 8392);
