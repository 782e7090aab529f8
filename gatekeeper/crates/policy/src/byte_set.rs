//! Sets of bytes.

/// A set of bytes, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// No byte.
    pub const EMPTY: Self = Self([0; 4]);
    /// Every byte.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// Every byte from `first` to `last`.
    #[must_use]
    pub fn range(first: u8, last: u8) -> Self {
        let mut set = Self::EMPTY;
        set.insert_range(first, last);
        set
    }

    /// One byte.
    #[must_use]
    pub const fn of(byte: u8) -> Self {
        let mut words = [0; 4];
        words[(byte >> 6) as usize] = 1 << (byte & 63);
        Self(words)
    }

    /// The byte in a set of one.
    #[must_use]
    pub fn only(&self) -> Option<u8> {
        let mut bytes = self.iter();
        bytes.next().filter(|_| bytes.next().is_none())
    }

    /// Adds a byte.
    pub fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Adds every byte from `first` to `last`.
    pub fn insert_range(&mut self, first: u8, last: u8) {
        (first..=last).for_each(|byte| self.insert(byte));
    }

    /// The bytes in either.
    #[must_use]
    pub const fn union(&self, other: &Self) -> Self {
        let (one, other) = (&self.0, &other.0);
        Self([one[0] | other[0], one[1] | other[1], one[2] | other[2], one[3] | other[3]])
    }

    /// Whether the byte is in the set.
    #[must_use]
    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    /// The bytes not in the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// The bytes in the set, in order.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|byte| self.contains(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_and_its_complement_share_nothing() {
        let mut set = ByteSet::range(b'a', b'c');
        set.insert(0);
        set.insert(255);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, b'a', b'b', b'c', 255]);
        assert!(set.complement().iter().all(|byte| !set.contains(byte)));
        assert_eq!(set.complement().complement(), set);
        assert_eq!(ByteSet::EMPTY.complement(), ByteSet::ALL);
        assert_eq!(ByteSet::of(b'b').union(&set), set);
        assert_eq!((ByteSet::of(200).only(), set.only(), ByteSet::EMPTY.only()), (Some(200), None, None));
    }
}
