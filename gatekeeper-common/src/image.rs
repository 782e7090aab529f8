//! The compiled policy: two planes of bytes, the same in the kernel's maps and in user space.
//!
//! Plane [`HEAD`] is a [`Header`] and, from [`ROWS_AT`] on, an array of [`Row`]s. Plane [`COMB`] is an
//! array of [`crate::automaton::Edge`]s. One table of edges serves three automata, told apart by where
//! they start: paths that patterns anchor at a literal prefix, paths that begin with `**`, and
//! addresses. A path is walked through the first two at once and the stricter cell counts; keeping
//! them apart keeps the table's size the sum of theirs and not the product.

use crate::automaton::Edge;
use crate::limits::{PLANE_LARGE, PLANE_SMALL};
use crate::operation::RULED;
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
pub const VERSION: u32 = 1;

/// What the rules that match say, one cell an operation. Row 0 is all silence.
pub type Row = [Cell; 16];

const _: () = assert!(RULED <= 16);
const _: () = assert!(size_of::<Row>() == 64);

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
    /// From this state on, each leads to itself on every byte but a slash; 0 where there are none.
    pub quiet_from: u32,
    /// From this state on, each leads to itself on every byte; 0 where there are none.
    pub sink_from: u32,
    /// What holds where no rule speaks, by operation. Never silent for an operation a rule can name.
    pub defaults: Row,
    /// Class of each byte of a path.
    pub path_class: [u16; 256],
    /// Class of each byte of an address word.
    pub net_class: [u16; 256],
}

/// Where the rows begin in plane [`HEAD`].
pub const ROWS_AT: usize = 2048;

const _: () = assert!(size_of::<Header>() == 1152);
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

/// How much room an image has in the kernel.
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

/// Protocols an address rule can tell apart: the first byte of an address word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Protocol {
    /// TCP, and MPTCP, which is TCP on the wire.
    Tcp = 1,
    /// UDP.
    Udp = 2,
    /// Any other; only a rule for any protocol speaks of it.
    Other = 3,
}

/// Bytes of an IPv4 address word: protocol, port (big-endian), address.
pub const WORD4: usize = 7;
/// Bytes of an IPv6 address word: protocol, port (big-endian), address.
pub const WORD6: usize = 19;
