//! From rules to the table of edges that the kernel walks.
//!
//! The stages, in order: [`automata`] puts the patterns of all rules into non-deterministic automata
//! ([`nfa_build`], [`invocation`], [`nfa`]). [`alphabet`] finds which bytes no pattern tells apart. [`determinize`] makes one
//! state of each set of nodes, [`merge`] makes one state of equal ones, and [`pack`] puts the states into a
//! double array. [`rows`] and [`sets`] hold what states accept with.
#![expect(
    clippy::cast_possible_truncation,
    reason = "`compile` bounds the numbers of nodes, states, rows and sets far below 2^32"
)]

pub mod alphabet;
pub mod automata;
pub mod determinize;
pub mod invocation;
pub mod merge;
pub mod nfa;
pub mod nfa_build;
pub mod pack;
pub mod rows;
pub mod sets;

use std::fmt;
use std::ops::{Index, IndexMut};

use gatekeeper_common::image::Header;
use gatekeeper_common::operation::Family;

/// An automaton that every image has, with its start state in the header.
///
/// Those for the arguments and the environment of programs are not among them: an image has any number of
/// them, and their start states lie in the rows of the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Automaton {
    /// Real paths, for patterns with a literal first component.
    Anchored,
    /// Real paths, for patterns that begin with a wildcard.
    Floating,
    /// UNIX sockets: the path of the socket's file, or a NUL and the abstract name.
    Unix,
    /// Signals: the signal's number, then the path of the target's program.
    Signal,
    /// IPv4 addresses: protocol, port, address.
    Net4,
    /// IPv6 addresses: protocol, port, address.
    Net6,
}

impl Automaton {
    /// Every automaton, in the order in which they are compiled.
    pub const ALL: [Self; 6] =
        [Self::Anchored, Self::Floating, Self::Unix, Self::Signal, Self::Net4, Self::Net6];

    /// The start state in a header.
    #[must_use]
    pub const fn start(self, header: &Header) -> u32 {
        match self {
            Self::Anchored => header.start_anchored,
            Self::Floating => header.start_floating,
            Self::Unix => header.start_unix,
            Self::Signal => header.start_signal,
            Self::Net4 => header.start_net4,
            Self::Net6 => header.start_net6,
        }
    }

    /// The place of the start state in a header.
    pub const fn start_mut(self, header: &mut Header) -> &mut u32 {
        match self {
            Self::Anchored => &mut header.start_anchored,
            Self::Floating => &mut header.start_floating,
            Self::Unix => &mut header.start_unix,
            Self::Signal => &mut header.start_signal,
            Self::Net4 => &mut header.start_net4,
            Self::Net6 => &mut header.start_net6,
        }
    }

    /// The class of each byte of its words.
    #[must_use]
    pub const fn classes(self, header: &Header) -> &[u16; 256] {
        if self.walks_addresses() { &header.net_class } else { &header.path_class }
    }

    /// Whether its words are binary addresses, which have an alphabet of their own.
    #[must_use]
    pub const fn walks_addresses(self) -> bool {
        match self {
            Self::Net4 | Self::Net6 => true,
            Self::Anchored | Self::Floating | Self::Unix | Self::Signal => false,
        }
    }

    /// The automata that answer for the operations of a family.
    #[must_use]
    pub const fn of_family(family: Family) -> &'static [Self] {
        match family {
            Family::Exec | Family::File => &[Self::Anchored, Self::Floating],
            Family::Net => &[Self::Net4, Self::Net6],
            Family::Unix => &[Self::Unix],
            Family::Signal => &[Self::Signal],
            // Capabilities are a table in the header; the others are no rule's.
            Family::Capability | Family::Builtin | Family::Kernel => &[],
        }
    }
}

impl fmt::Display for Automaton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anchored => "anchored patterns",
            Self::Floating => "floating patterns",
            Self::Unix => "UNIX sockets",
            Self::Signal => "signals",
            Self::Net4 => "IPv4 addresses",
            Self::Net6 => "IPv6 addresses",
        })
    }
}

/// One value for each automaton.
#[derive(Debug, Clone, Default)]
pub struct PerAutomaton<T>([T; Automaton::ALL.len()]);

impl<T> PerAutomaton<T> {
    /// The values, in the order of [`Automaton::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Automaton, &T)> {
        Automaton::ALL.into_iter().zip(&self.0)
    }
}

impl<T> Index<Automaton> for PerAutomaton<T> {
    type Output = T;

    fn index(&self, automaton: Automaton) -> &T {
        &self.0[automaton as usize]
    }
}

impl<T> IndexMut<Automaton> for PerAutomaton<T> {
    fn index_mut(&mut self, automaton: Automaton) -> &mut T {
        &mut self.0[automaton as usize]
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;
    use gatekeeper_common::operation::Operation;

    use super::*;

    #[test]
    fn every_automaton_is_in_its_place() {
        let mut header = Header::zeroed();
        for (place, automaton) in Automaton::ALL.into_iter().enumerate() {
            assert_eq!(automaton as usize, place);
            *automaton.start_mut(&mut header) = 7 + place as u32;
        }
        let starts: Vec<u32> = Automaton::ALL.iter().map(|automaton| automaton.start(&header)).collect();
        assert_eq!(starts, [7, 8, 9, 10, 11, 12]);
    }

    #[test]
    fn every_ruled_operation_has_an_automaton() {
        for operation in Operation::ALL {
            assert_eq!(operation.is_ruled(), !Automaton::of_family(operation.family()).is_empty());
        }
    }
}
