//! The image as user space holds it, before it goes into the kernel's maps.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::{IpAddr, SocketAddr};

use gatekeeper_common::automaton::{DEAD, Edge, accepted, is_settled, step};
use gatekeeper_common::image::{Header, MAGIC, Protocol, ROWS_AT, Row, Size, VERSION};

use crate::automaton::Automaton;
use crate::question::Start;
use crate::row::{NO_RULE, strictest};

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
        (header.rows, header.edges) = (u32::try_from(rows.len()).ok()?, u32::try_from(edges.len()).ok()?);
        Some(Self { header, rows, edges, size })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The room it needs in the kernel.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The number of rows, row 0 included.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The number of entries in the table of edges.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.edges.len()
    }

    /// Sets the identity of the layer, before publishing.
    pub fn set_serial(&mut self, serial: u32) {
        self.header.serial = serial;
    }

    /// Sets the generation, before publishing.
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

    /// The row of a path, walked as the kernel walks it.
    ///
    /// A start state for a program's arguments stands in one of the two rows at most, so that the larger is
    /// the one there is.
    #[must_use]
    pub fn path_row(&self, path: &[u8]) -> Row {
        strictest(&self.row(Automaton::Anchored, path), &self.row(Automaton::Floating, path))
    }

    /// The row of a word, walked by one automaton.
    #[must_use]
    pub fn row(&self, automaton: Automaton, word: &[u8]) -> Row {
        self.walk(automaton.start(&self.header), automaton.classes(&self.header), word)
    }

    /// The row of a program's name and arguments, walked from a start state in its row; `None` where they are not
    /// decided by as many bytes as the policy looks at.
    #[must_use]
    pub fn arguments_row(&self, start: u32, program: &Start) -> Option<Row> {
        let word = program.word();
        // A script's interpreter has its own arguments before these in memory, and all count.
        let before = program.bytes().saturating_sub(word.len());
        let seen = (self.header.argument_bytes as usize).saturating_sub(before).min(word.len());
        let (looked_at, rest) = word.split_at_checked(seen)?;
        let state = self.state_after(start, &self.header.path_class, looked_at);
        let decided = rest.is_empty() || is_settled(state, self.header.sink_from);
        decided.then(|| self.row_of(state))
    }

    /// The row of a variable's name, walked from a start state in a program's row.
    #[must_use]
    pub fn row_from(&self, start: u32, word: &[u8]) -> Row {
        self.walk(start, &self.header.path_class, word)
    }

    /// The row of an address, walked as the kernel walks it.
    #[must_use]
    pub fn net_row(&self, address: SocketAddr, protocol: Protocol) -> Row {
        let mut word = vec![protocol as u8];
        word.extend(address.port().to_be_bytes());
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => {
                word.extend(ip.octets());
                self.row(Automaton::Net4, &word)
            }
            IpAddr::V6(ip) => {
                word.extend(ip.octets());
                self.row(Automaton::Net6, &word)
            }
        }
    }

    fn walk(&self, start: u32, class: &[u16; 256], word: &[u8]) -> Row {
        self.row_of(self.state_after(start, class, word))
    }

    #[expect(clippy::indexing_slicing, reason = "256 classes, one for each byte")]
    fn state_after(&self, start: u32, class: &[u16; 256], word: &[u8]) -> u32 {
        let edges = self.edges.as_slice();
        let mut state = start;
        for byte in word {
            if state == DEAD {
                break;
            }
            state = step(edges, state, class[usize::from(*byte)]);
        }
        state
    }

    fn row_of(&self, state: u32) -> Row {
        let row = if state == DEAD { 0 } else { accepted(self.edges.as_slice(), state) };
        self.rows.get(row as usize).copied().unwrap_or(NO_RULE)
    }
}
