//! Numbers that repeat when the seed does.

use std::io::Read;

/// `xorshift64*`.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// Returns the seed in the environment, or a new one.
    pub fn seed() -> u64 {
        let given = std::env::var("GATEKEEPER_SUITE_SEED").ok().and_then(|text| text.parse().ok());
        given.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
            // Any number will do.
            read.map_or(1, |()| u64::from_ne_bytes(bytes))
        })
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From 0 to one less than `end`.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { ((self.next() >> 32) as usize) % end }
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}
