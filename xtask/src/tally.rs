//! Counts of tests in the output of their runners.

use std::fmt;
use std::ops::AddAssign;

/// How many passed, how many failed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Passed.
    pub passed: u64,
    /// Failed, or never came to an end.
    pub failed: u64,
}

impl Tally {
    /// All of them.
    pub fn count(self) -> u64 {
        self.passed + self.failed
    }

    /// The last `N passed, N failed` that stands alone on its line.
    pub fn of_closing_line(text: &str) -> Option<Tally> {
        text.lines().rev().find_map(|line| {
            let (passed, failed) = line.trim().split_once(", ")?;
            Some(Tally {
                passed: passed.strip_suffix(" passed")?.parse().ok()?,
                failed: failed.strip_suffix(" failed")?.parse().ok()?,
            })
        })
    }

    /// nextest's `Summary … 12 tests run: 10 passed, 2 failed, 1 skipped`.
    pub fn of_nextest(text: &str) -> Tally {
        let line = text.lines().rev().find_map(|line| line.split_once(" run: ")).map(|(_, counts)| counts);
        let count = |name: &str| number_before(line.unwrap_or_default(), name);
        Tally { passed: count("passed"), failed: count("failed") + count("timed") }
    }

    /// cargo test's `test result: ok. 3 passed; 0 failed; …`, one for each program.
    pub fn of_cargo_test(text: &str) -> Tally {
        let mut tally = Tally::default();
        for line in text.lines().filter(|line| line.starts_with("test result:")) {
            tally.passed += number_before(line, "passed");
            tally.failed += number_before(line, "failed");
        }
        tally
    }
}

/// 3 of `… 3 passed …`.
fn number_before(line: &str, name: &str) -> u64 {
    let words: Vec<&str> = line.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
    let pair = words.windows(2).find(|pair| pair[1] == name);
    pair.and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn closing_line() {
        let text = "ok a\nFAILED b: 3 passed, 4 failed\n1 passed, 1 failed\n";
        assert_eq!(Tally::of_closing_line(text), Some(Tally { passed: 1, failed: 1 }));
        assert_eq!(Tally::of_closing_line("ok a\n"), None);
    }

    #[test]
    fn nextest() {
        let text = "     Summary [   0.011s] 6 tests run: 4 passed (1 slow), 2 failed, 3 skipped\n  FAIL x\n";
        assert_eq!(Tally::of_nextest(text), Tally { passed: 4, failed: 2 });
    }

    #[test]
    fn cargo_test() {
        let text =
            "test result: ok. 3 passed; 0 failed; 1 ignored\ntest result: FAILED. 1 passed; 2 failed;\n";
        assert_eq!(Tally::of_cargo_test(text), Tally { passed: 4, failed: 2 });
    }
}
