//! The programs that tasks were running: events carry the number of the exec that started them.

use std::collections::BTreeMap;
use std::sync::Arc;

use gatekeeper_record::record::FileId;

/// Execs remembered; older ones are forgotten first. A program that runs on past so many execs of its
/// neighbours is shown without its path.
const REMEMBERED: usize = 200_000;

/// A program that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The path it was started from.
    pub path: Arc<str>,
    /// The file it was started from.
    pub file: FileId,
    /// Its arguments on one line, once they are known.
    pub command_line: Option<Arc<str>>,
}

/// Programs by the sequence number of the exec event that started them.
#[derive(Debug, Default)]
pub struct Programs(BTreeMap<u64, Program>);

impl Programs {
    /// Notes the exec with this number.
    pub fn started(&mut self, sequence: u64, program: Program) {
        self.0.insert(sequence, program);
        if self.0.len() > REMEMBERED {
            self.0.pop_first();
        }
    }

    /// Notes what the program that this exec started was started with.
    pub fn started_with(&mut self, sequence: u64, command_line: Arc<str>) {
        if let Some(program) = self.0.get_mut(&sequence) {
            program.command_line = Some(command_line);
        }
    }

    /// The program that exec started.
    #[must_use]
    pub fn get(&self, sequence: u64) -> Option<&Program> {
        self.0.get(&sequence)
    }
}
