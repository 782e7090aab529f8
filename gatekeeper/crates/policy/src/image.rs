//! The compiled policy as user space holds it, before it goes into the kernel's maps.

use bytemuck::Zeroable;
use gatekeeper_common::automaton::{DEAD, Edge, accepted, step};
use gatekeeper_common::image::{Header, MAGIC, Protocol, ROWS_AT, Row, Size, VERSION};

use crate::automaton::rows::strictest;

/// An image: header, rows and edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    header: Header,
    rows: Vec<Row>,
    edges: Vec<Edge>,
    size: Size,
}

impl Image {
    /// An image of these parts; `None` where they don't fit the largest size.
    #[must_use]
    pub fn new(mut header: Header, rows: Vec<Row>, edges: Vec<Edge>) -> Option<Self> {
        let size = Size::for_counts(rows.len(), edges.len())?;
        (header.magic, header.version) = (MAGIC, VERSION);
        (header.rows, header.edges) = (rows.len() as u32, edges.len() as u32);
        Some(Self { header, rows, edges, size })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How much room it needs in the kernel.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Number of rows, row 0 included.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Number of entries in the table of edges.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.edges.len()
    }

    /// Sets the identity of the layer; to be done before publishing.
    pub fn set_serial(&mut self, serial: u32) {
        self.header.serial = serial;
    }

    /// Sets the generation; to be done before publishing.
    pub fn set_generation(&mut self, generation: u64) {
        self.header.generation = generation;
    }

    /// The bytes of plane HEAD, as far as they are used.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let mut plane = bytemuck::bytes_of(&self.header).to_vec();
        plane.resize(ROWS_AT, 0);
        plane.extend(bytemuck::cast_slice::<Row, u8>(&self.rows));
        plane
    }

    /// The bytes of plane COMB, as far as they are used.
    #[must_use]
    pub fn comb(&self) -> &[u8] {
        bytemuck::cast_slice(&self.edges)
    }

    /// What the rules say of a path, walked as the kernel walks it. A state to walk a program's arguments
    /// from stands in one of the two rows at most, so that the larger is the one there is.
    #[must_use]
    pub fn path_row(&self, path: &[u8]) -> Row {
        strictest(
            &self.word_row(self.header.start_anchored, path),
            &self.word_row(self.header.start_floating, path),
        )
    }

    /// What the rules say of a word, walked from this state.
    #[must_use]
    pub fn word_row(&self, start: u32, word: &[u8]) -> Row {
        self.walk(start, &self.header.path_class, word)
    }

    /// What the rules say of an address, walked as the kernel walks it.
    #[must_use]
    pub fn net_row(&self, address: std::net::SocketAddr, protocol: Protocol) -> Row {
        let mut word = vec![protocol as u8];
        word.extend(address.port().to_be_bytes());
        let start = match address.ip().to_canonical() {
            std::net::IpAddr::V4(ip) => {
                word.extend(ip.octets());
                self.header.start_net4
            }
            std::net::IpAddr::V6(ip) => {
                word.extend(ip.octets());
                self.header.start_net6
            }
        };
        self.walk(start, &self.header.net_class, &word)
    }

    fn walk(&self, start: u32, class: &[u16; 256], bytes: &[u8]) -> Row {
        let edges = self.edges.as_slice();
        let mut state = start;
        for byte in bytes {
            if state == DEAD {
                break;
            }
            state = step(edges, state, class[usize::from(*byte)]);
        }
        let row = if state == DEAD { 0 } else { accepted(edges, state) };
        self.rows.get(row as usize).copied().unwrap_or(Row::zeroed())
    }
}
