//! The compiled policy: two planes of bytes, the same in the kernel's maps and in user space.
//!
//! Plane [`HEAD`] is a [`Header`] and, from [`ROWS_AT`] on, an array of [`Row`]s. Plane [`COMB`] is an
//! array of [`crate::automaton::Edge`]s. One table of edges serves all automata, which differ by where
//! they start: paths that patterns anchor at a literal prefix, paths that begin with `**`, addresses, UNIX
//! sockets, signals, and for programs whose rules look at them arguments and environments. A path is
//! walked through the first two at once and the stricter cell counts; keeping them apart keeps the
//! table's size the sum of theirs and not the product.

use crate::automaton::Edge;
use crate::limits::{PLANE_LARGE, PLANE_SMALL};
use crate::operation::Operation;
use crate::verdict::Cell;
use bytemuck::{Pod, Zeroable};

/// Index of the plane with the header and the rows.
pub const HEAD: u32 = 0;
/// Index of the plane with the edges.
pub const COMB: u32 = 1;
/// Planes of an image.
pub const PLANES: u32 = 2;

/// "GKPOLICY" in little-endian order.
pub const MAGIC: u64 = u64::from_le_bytes(*b"GKPOLICY");
/// Version of this layout.
pub const VERSION: u32 = 4;

/// Columns of a [`Row`].
pub const COLUMNS: usize = 32;

/// Cells of the rules that match, one an operation, in the column of its code; and in the columns
/// [`ARGUMENTS`] and [`ENVIRONMENT`] of a program's row, not a cell but a state. Row 0 has no rules.
pub type Row = [Cell; COLUMNS];

/// The column with the state in which a program's arguments begin to be walked; [`crate::automaton::DEAD`]
/// where no rule about this program asks for them. Of the two rows of a path at most one fills it. What a rule with `args` says of an exec stands in the
/// rows of these automata, not in the program's own.
///
/// The word is the memory between `mm->arg_start` and `mm->arg_end`, from the program's own name on: `argv[0]`
/// and each argument, each closed by a NUL. A script's name is the path that the kernel puts there for its
/// interpreter (fs/binfmt_script.c `load_script`, Linux 6.12).
pub const ARGUMENTS: usize = 30;
/// The same for the names of environment variables. Each name is a word by itself, up to the `=`; the
/// strictest cell of all counts.
pub const ENVIRONMENT: usize = 31;

const _: () = assert!(Operation::ALL.len() <= ARGUMENTS);
const _: () = assert!(size_of::<Row>() == 128);

/// The start of plane [`HEAD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// Generation of the policy: rises with every replacement, and stands in every event.
    pub generation: u64,
    /// Identity of this image, filled in when it is published: no two ever have the same, nor 0.
    pub image: u64,
    /// [`VERSION`].
    pub version: u32,
    /// Identity of the layer; see [`crate::label::Layer::serial`].
    pub serial: u32,
    /// Number of rows, row 0 included.
    pub rows: u32,
    /// Number of entries in plane [`COMB`] that may be looked at.
    pub edges: u32,
    /// Start state for paths, of the patterns with a literal first component.
    pub start_anchored: u32,
    /// Start state for paths, of the patterns that begin with `**`; DEAD where there are none.
    pub start_floating: u32,
    /// Start state for IPv4 addresses (and IPv6 addresses that are mapped IPv4).
    pub start_net4: u32,
    /// Start state for all other IPv6 addresses.
    pub start_net6: u32,
    /// Start state for UNIX sockets. The word is the real path of the socket's file, or a NUL and then the
    /// abstract name; empty where the socket has no name.
    pub start_unix: u32,
    /// Start state for signals. The word is the signal's number as a byte, then the real path of the
    /// target's program.
    pub start_signal: u32,
    /// From this state on, each leads to itself on every byte but a slash; 0 where there are none.
    pub quiet_from: u32,
    /// From this state on, each leads to itself on every byte; 0 where there are none.
    pub sink_from: u32,
    /// Bytes of arguments that are looked at, at most: [`crate::limits::ARGUMENT_BYTES`] unless the policy says
    /// otherwise, never more than [`crate::limits::ARGUMENT_BYTES_MOST`]. A start that is not decided by then is
    /// denied.
    pub argument_bytes: u32,
    /// Explicit padding.
    pub pad: u32,
    /// Defaults where no rule applies, by operation. Never [`Cell::NO_RULE`] for an operation a rule can name.
    pub defaults: Row,
    /// Cells of the capability rules, by the capability's number; [`Cell::NO_RULE`] where no rule applies.
    pub capabilities: [Cell; CAPABILITIES],
    /// Class of each byte of a path, of an argument or a variable's name, of a UNIX or signal word.
    pub path_class: [u16; 256],
    /// Class of each byte of an address word.
    pub net_class: [u16; 256],
}

/// Room for capabilities: the kernel keeps them as bits of a `u64` (include/linux/capability.h).
pub const CAPABILITIES: usize = 64;

/// Byte offset of the rows in plane [`HEAD`].
pub const ROWS_AT: usize = 2048;

const _: () = assert!(size_of::<Header>() == 1488);
const _: () = assert!(size_of::<Header>() <= ROWS_AT);

/// Rows that fit in a plane of this many bytes.
#[must_use]
pub const fn rows_in(plane: usize) -> usize {
    (plane - ROWS_AT) / size_of::<Row>()
}

/// Edges that fit in a plane of this many bytes.
#[must_use]
pub const fn edges_in(plane: usize) -> usize {
    plane / size_of::<Edge>()
}

/// Size of an image in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Planes of [`PLANE_SMALL`] bytes.
    Small,
    /// Planes of [`PLANE_LARGE`] bytes.
    Large,
}

impl Size {
    /// Bytes of one plane.
    #[must_use]
    pub const fn plane(self) -> usize {
        match self {
            Self::Small => PLANE_SMALL,
            Self::Large => PLANE_LARGE,
        }
    }

    /// The smallest size that holds so many rows and edges; `None` where none does.
    #[must_use]
    pub const fn for_counts(rows: usize, edges: usize) -> Option<Self> {
        if rows <= rows_in(PLANE_SMALL) && edges <= edges_in(PLANE_SMALL) {
            Some(Self::Small)
        } else if rows <= rows_in(PLANE_LARGE) && edges <= edges_in(PLANE_LARGE) {
            Some(Self::Large)
        } else {
            None
        }
    }
}

/// Protocols that an address rule distinguishes: the first byte of an address word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Protocol {
    /// TCP, and MPTCP, which is TCP on the wire.
    Tcp = 1,
    /// UDP.
    Udp = 2,
    /// Any other; only a rule for any protocol applies to it.
    Other = 3,
}

/// Bytes of an IPv4 address word: protocol, port (big-endian), address.
pub const WORD4: usize = 7;
/// Bytes of an IPv6 address word: protocol, port (big-endian), address.
pub const WORD6: usize = 19;
