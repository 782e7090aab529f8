//! Classes of bytes: those that no pattern tells apart share one. This makes fewer edges and the same answers.

use gatekeeper_common::automaton::{FIRST_CLASS, OTHER};
use rustc_hash::FxHashMap;

use crate::byte_set::ByteSet;

/// A set of bytes, and whether it also holds "every byte that no pattern names".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Symbols {
    /// The bytes.
    pub bytes: ByteSet,
    /// Whether class [`OTHER`] is among them, even where no byte is left in that class.
    pub other: bool,
}

/// A set in terms of classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    /// Whether the set holds class [`OTHER`].
    pub other: bool,
    /// Bit `class` is set where the set holds the class.
    bits: [u64; 5],
}

impl Classes {
    /// Whether the set holds this class.
    #[must_use]
    pub fn contains(&self, class: u16) -> bool {
        self.bits[usize::from(class >> 6)] >> (class & 63) & 1 == 1
    }
}

/// The classes of all bytes.
#[derive(Debug, Clone)]
pub struct Alphabet {
    /// The class of each byte.
    pub class: [u16; 256],
    /// One more than the largest class.
    pub end: u16,
}

impl Alphabet {
    /// The coarsest classes that tell every named byte from all others and split no set.
    ///
    /// This is partition refinement: it begins with one part for each named byte and one for the rest, and each
    /// set splits every part into members and others. Class OTHER is that of the byte nobody names.
    #[must_use]
    pub fn new(named: &ByteSet, sets: &[Symbols]) -> Self {
        // One part for each of the 256 bytes and, last, for the byte nobody names.
        let mut part = [0_u16; 257];
        for (number, byte) in (1..).zip(named.iter()) {
            part[usize::from(byte)] = number;
        }
        for set in sets {
            let mut split: FxHashMap<(u16, bool), u16> = FxHashMap::default();
            for (at, part) in part.iter_mut().enumerate() {
                let inside = if at == 256 { set.other } else { set.bytes.contains(at as u8) };
                let next = split.len() as u16;
                *part = *split.entry((*part, inside)).or_insert(next);
            }
        }
        let mut numbers: FxHashMap<u16, u16> = FxHashMap::from_iter([(part[256], OTHER)]);
        let mut end = FIRST_CLASS;
        let class = std::array::from_fn(|byte| {
            *numbers.entry(part[byte]).or_insert_with(|| {
                end += 1;
                end - 1
            })
        });
        Self { class, end }
    }

    /// A set in terms of these classes.
    #[must_use]
    pub fn classes(&self, set: &Symbols) -> Classes {
        let mut bits = [0; 5];
        for byte in set.bytes.iter() {
            let class = self.class[usize::from(byte)];
            bits[usize::from(class >> 6)] |= 1 << (class & 63);
        }
        Classes { other: set.other, bits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatekeeper_common::automaton::LAST_CLASS;

    #[test]
    fn bytes_nobody_tells_apart_share_a_class() {
        let mut named = ByteSet::EMPTY;
        named.insert(b'/');
        let digits = Symbols { bytes: ByteSet::range(b'0', b'9'), other: false };
        let rest = Symbols { bytes: ByteSet::of(b'/').complement(), other: true };
        let alphabet = Alphabet::new(&named, &[digits, rest]);
        let class = |byte: u8| alphabet.class[usize::from(byte)];
        assert_eq!(class(b'x'), OTHER);
        assert_eq!(class(b'0'), class(b'9'));
        assert!(class(b'/') >= FIRST_CLASS && class(b'/') != class(b'0'));
        assert_eq!(alphabet.end, FIRST_CLASS + 2);
        let digits = alphabet.classes(&digits);
        assert!(digits.contains(class(b'5')) && !digits.contains(class(b'/')) && !digits.other);
    }

    #[test]
    fn all_bytes_named_leave_other_empty() {
        let alphabet = Alphabet::new(&ByteSet::ALL, &[]);
        assert!(alphabet.class.iter().all(|class| *class != OTHER));
        assert_eq!(alphabet.end, LAST_CLASS + 1);
    }
}
