//! The event that the kernel sends the daemon for each recorded operation: a fixed header, then the object.

use crate::limits::PATH_BYTES;
use bytemuck::{Pod, Zeroable};

/// Kind of the object that follows an event's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Object {
    /// No object.
    None = 0,
    /// The bytes of a path.
    Path = 1,
    /// An [`Address`].
    Address = 2,
    /// The word of a UNIX socket; see [`crate::image::Header::start_unix`].
    Unix = 3,
    /// A process: the bytes of its program's path; its process id stands in [`Header::inode`].
    Process = 4,
    /// Arguments of the program that an exec started, each closed by a NUL, cut after [`PATH_BYTES`]; how
    /// long they are uncut stands in [`Header::inode`], how many in `detail`.
    Arguments = 5,
}

impl Object {
    /// Every one, by discriminant.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Path, Self::Address, Self::Unix, Self::Process, Self::Arguments];

    /// The object with this discriminant.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(code as usize).copied()
    }
}

/// The header of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Header {
    /// Number of the event, from 1, without gaps but for events lost.
    pub sequence: u64,
    /// Nanoseconds since boot, time asleep included (`CLOCK_BOOTTIME`).
    pub time: u64,
    /// The innermost session of the task.
    pub session: u64,
    /// Sequence number of the event that recorded the exec of the running program; 0 where none did.
    pub program: u64,
    /// Generation of the policy that decided.
    pub generation: u64,
    /// Start of the process, nanoseconds since boot: with `pid`, its identity.
    pub start: u64,
    /// Device of the object's file as the kernel numbers it (major << 20 | minor), 0 where there is none.
    pub device: u64,
    /// Inode number of the object's file, 0 where there is none (not yet created).
    pub inode: u64,
    /// Sequence number of the event that announced the hold this one is about; its own where it is that event; 0
    /// where nobody was asked.
    pub hold: u64,
    /// Process id, in the initial namespace.
    pub pid: u32,
    /// Thread id, in the initial namespace.
    pub tid: u32,
    /// Process id of the parent.
    pub parent: u32,
    /// User id of the task, in the initial namespace.
    pub uid: u32,
    /// Number of the rule that decided, or [`crate::verdict::RULE_DEFAULT`].
    pub rule: u32,
    /// Serial of the layer that decided; 0 where none did.
    pub serial: u32,
    /// Bytes of the object after the header.
    pub length: u32,
    /// Further detail of the operation: the operations asked as bits, the address family, the ioctl, the signal,
    /// the capability.
    pub detail: u32,
    /// [`crate::operation::Operation`].
    pub operation: u8,
    /// [`crate::verdict::Verdict`] of the rules.
    pub verdict: u8,
    /// [`crate::verdict::Cause`].
    pub cause: u8,
    /// [`Object`].
    pub object: u8,
    /// 1 where the operation passed, 0 where it was refused.
    pub passed: u8,
    /// The layer that decided, counted from the outermost.
    pub layer: u8,
    /// 1 where it could pass only if recorded.
    pub required: u8,
    /// Number of layers that ask.
    pub asking: u8,
    /// The thread's name: a hint for people, never for a decision.
    pub comm: [u8; 16],
}

const _: () = assert!(size_of::<Header>() == 128);

/// An address as an event carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Address {
    /// IPv6, or IPv4 in the first four bytes.
    pub bytes: [u8; 16],
    /// Port, host byte order.
    pub port: u16,
    /// 4 or 6.
    pub version: u8,
    /// [`crate::image::Protocol`].
    pub protocol: u8,
}

const _: () = assert!(size_of::<Address>() == 20);

/// Bytes of the longest event.
pub const EVENT_BYTES: usize = size_of::<Header>() + PATH_BYTES;
