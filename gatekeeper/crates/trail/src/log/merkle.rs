//! The Merkle tree of RFC 6962, as far as a log needs it: the right edge while it grows, and proofs.
//!
//! `ct-merkle` keeps every leaf in memory, which a trail of years can't; it is the oracle of the tests here.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unhex(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not a hash in hexadecimal"))
    }
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8; 32]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS.get(usize::from(digit)).copied().unwrap_or_default())).collect()
}

/// Bytes from hexadecimal, lower case only: there is one way to write a hash.
#[must_use]
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'f' => char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()),
        _ => None,
    };
    let mut bytes = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(bytes)
}

/// The hash of a record.
#[must_use]
pub fn leaf(record: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(record).finalize().into())
}

fn node(left: Hash, right: Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The right edge of a tree: the roots of the complete subtrees it is made of, largest first. All that is
/// needed to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    size: u64,
    peaks: Vec<Hash>,
}

impl Edge {
    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether it has as many peaks as its size says.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.peaks.len() == self.size.count_ones() as usize
    }

    /// Takes in the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Every bit that the count carries over is a subtree that becomes complete.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            hash = node(left, hash);
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The tree's root.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        match peaks.next() {
            None => Hash(Sha256::digest([]).into()),
            Some(last) => peaks.fold(last, |right, left| node(left, right)),
        }
    }
}

/// Returns where the tree of leaves `start..end` divides: the left side has the largest power of two of leaves that is
/// less than all. None of less than two leaves.
fn middle(start: u64, end: u64) -> Option<u64> {
    let count = end.checked_sub(start).filter(|count| *count > 1)?;
    start.checked_add(count.checked_next_power_of_two().map_or(1 << 63, |power| power / 2))
}

/// Leaves at hand from `first` on, and before them only the edge.
#[derive(Debug)]
pub struct Suffix<'a> {
    /// The edge before the first of them.
    pub edge: &'a Edge,
    /// The leaves.
    pub leaves: &'a [Hash],
}

impl Suffix<'_> {
    /// The hash of the subtree of leaves `start..end`.
    fn subtree(&self, start: u64, end: u64) -> Option<Hash> {
        let first = self.edge.size;
        if end <= first {
            return self.peak(start, end);
        }
        match middle(start, end) {
            Some(middle) => Some(node(self.subtree(start, middle)?, self.subtree(middle, end)?)),
            None => self.leaves.get(usize::try_from(start.checked_sub(first)?).ok()?).copied(),
        }
    }

    /// The peak of the edge that covers exactly these leaves.
    fn peak(&self, start: u64, end: u64) -> Option<Hash> {
        let (mut at, mut rest) = (0_u64, self.edge.size);
        for hash in &self.edge.peaks {
            let leaves = 1_u64.checked_shl(rest.checked_ilog2()?)?;
            let next = at.checked_add(leaves)?;
            if (at, next) == (start, end) {
                return Some(*hash);
            }
            (at, rest) = (next, rest.checked_sub(leaves)?);
        }
        None
    }
}

/// Proves that a leaf is in the tree of `size` leaves: the hashes beside its way up, lowest first.
#[must_use]
pub fn prove(leaves: &Suffix<'_>, index: u64, size: u64) -> Option<Vec<Hash>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end, mut way) = (0, size, Vec::new());
    while let Some(middle) = middle(start, end) {
        if index < middle {
            way.push(leaves.subtree(middle, end)?);
            end = middle;
        } else {
            way.push(leaves.subtree(start, middle)?);
            start = middle;
        }
    }
    way.reverse();
    Some(way)
}

/// The root that a proof leads to.
#[must_use]
pub fn root_of_proof(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    let (mut start, mut end, mut lefts) = (0, size, Vec::new());
    if index >= size {
        return None;
    }
    while let Some(middle) = middle(start, end) {
        lefts.push(index < middle);
        *(if index < middle { &mut end } else { &mut start }) = middle;
    }
    if lefts.len() != proof.len() {
        return None;
    }
    let steps = lefts.iter().rev().zip(proof);
    Some(
        steps
            .fold(leaf, |hash, (left, beside)| if *left { node(hash, *beside) } else { node(*beside, hash) }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    fn record(number: u64) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    fn hashes(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf(&record(number))).collect()
    }

    #[test]
    fn roots_are_those_of_another_implementation() {
        let mut edge = Edge::default();
        let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        for number in 0..300 {
            assert_eq!(edge.root().0, <[u8; 32]>::from(*oracle.root().as_bytes()), "{number}");
            edge.push(leaf(&record(number)));
            oracle.push(record(number));
            assert!(edge.is_sound());
        }
    }

    #[test]
    fn proofs_are_those_of_another_implementation() {
        for size in [1, 2, 3, 7, 8, 13, 64, 65] {
            let leaves = hashes(size);
            let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
            (0..size).for_each(|number| oracle.push(record(number)));
            let empty = Edge::default();
            let all = Suffix { edge: &empty, leaves: &leaves };
            for index in 0..size {
                let proof = prove(&all, index, size).unwrap();
                let theirs = oracle.prove_inclusion(index as usize);
                let flat: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
                assert_eq!(flat, theirs.as_bytes(), "{index} of {size}");
            }
        }
    }

    #[test]
    fn proofs_lead_to_the_root_also_when_the_beginning_is_gone() {
        let leaves = hashes(100);
        for first in [0, 1, 37, 64, 99] {
            let mut edge = Edge::default();
            leaves[..first].iter().for_each(|leaf| edge.push(*leaf));
            let mut whole = edge.clone();
            leaves[first..].iter().for_each(|leaf| whole.push(*leaf));
            let suffix = Suffix { edge: &edge, leaves: &leaves[first..] };
            for (index, own) in leaves.iter().copied().enumerate().skip(first) {
                let proof = prove(&suffix, index as u64, 100).unwrap();
                let root = root_of_proof(own, index as u64, 100, &proof);
                assert_eq!(root, Some(whole.root()), "{index} from {first}");
                assert_ne!(root_of_proof(leaf(b"other"), index as u64, 100, &proof), root);
                assert_eq!(root_of_proof(own, index as u64, 100, &proof[1..]), None);
            }
        }
    }

    #[test]
    fn sizes_from_outside_overflow_nothing() {
        let leaves = hashes(3);
        let mut edge = Edge { size: u64::MAX, peaks: leaves.clone() };
        for size in [5, 1 << 63, (1 << 63) + 1, u64::MAX] {
            for index in [3, size / 2, size - 1] {
                let empty = Edge::default();
                assert_eq!(prove(&Suffix { edge: &empty, leaves: &leaves }, index, size), None);
                // Of a false edge, a proof may come to be; it leads to no root that was signed.
                let _ = prove(&Suffix { edge: &edge, leaves: &leaves }, index, size);
                assert_eq!(root_of_proof(leaf(b"x"), index, size, &[]), None);
            }
        }
        edge.push(leaf(b"x"));
        assert!(!edge.is_sound());
    }

    #[test]
    fn hexadecimal() {
        let hash = leaf(b"x");
        assert_eq!(unhex(&hash.to_string()), Some(hash.0));
        assert_eq!(unhex(&hash.to_string().to_uppercase()), None);
        assert_eq!(unhex("ab"), None);
    }
}
