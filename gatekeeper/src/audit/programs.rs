//! Which program a task was running: events carry the number of the exec that started it.

use std::collections::BTreeMap;

/// Execs remembered; older ones are forgotten first. A program that runs on past so many execs of its
/// neighbours is shown without its path.
const REMEMBERED: usize = 200_000;

/// Programs by the sequence number of the exec event that started them.
#[derive(Debug, Default)]
pub struct Programs(BTreeMap<u64, String>);

impl Programs {
    /// Notes the exec with this number.
    pub fn started(&mut self, sequence: u64, path: &str) {
        self.0.insert(sequence, path.to_owned());
        if self.0.len() > REMEMBERED {
            self.0.pop_first();
        }
    }

    /// The program that exec started.
    #[must_use]
    pub fn path(&self, sequence: u64) -> Option<&str> {
        self.0.get(&sequence).map(String::as_str)
    }
}
