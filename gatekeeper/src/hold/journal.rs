//! Decisions on holds that are not over, on disk: a daemon that is killed between two steps of a decision finishes
//! it when it is back, and nobody is asked twice.
//!
//! A line says which boot it is, and each that follows is a decision, appended. Holds that are over
//! are left out when the file is written anew.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use gatekeeper_record::decision::{Decision, HoldId};
use gatekeeper_trail::files::write_atomically;
use gatekeeper_trail::state_file::{SetAside, read_or_set_aside};

/// The decisions on each hold, in order; it is settled where the last is final.
pub type Decisions = BTreeMap<HoldId, Vec<Decision>>;

/// Lines beyond those needed at which the file is written anew.
const SPENT: usize = 256;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    boot: String,
}

/// The file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    head: Head,
    decisions: Decisions,
    /// Open once this daemon has written it anew.
    file: Option<File>,
    /// Lines behind the first one.
    lines: usize,
}

impl Journal {
    /// Opens the journal in the state folder. Decisions of another boot are dropped, and so are all of a journal that is
    /// damaged: a denial in it may be unreadable, so what waits is asked anew.
    ///
    /// # Errors
    /// Where a damaged one can't be renamed.
    pub fn open(state: &Path, boot: &str, set_aside: &mut Vec<SetAside>) -> io::Result<Self> {
        let path = state.join("holds.jsonl");
        let decisions = read_or_set_aside(&path, set_aside, |bytes| read(bytes, boot))?.unwrap_or_default();
        let lines = count(&decisions);
        Ok(Self { path, head: Head { boot: boot.to_owned() }, decisions, file: None, lines })
    }

    /// The decisions so far.
    #[must_use]
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// Notes a decision; once this returns, it is on disk.
    ///
    /// # Errors
    /// Where it can't be written; then the decision is not kept.
    pub fn note(&mut self, decision: Decision) -> io::Result<()> {
        let hold = decision.hold;
        let line = line(&decision)?;
        self.decisions.entry(hold).or_default().push(decision);
        let written = self.append(&line);
        if written.is_err() {
            // A part that has come to the disk goes with the next decision that is noted.
            self.file = None;
            if let Some(decisions) = self.decisions.get_mut(&hold) {
                decisions.pop();
            }
        }
        written
    }

    /// Forgets a hold that is over, the next time the file is written anew.
    pub fn forget(&mut self, hold: HoldId) {
        self.decisions.remove(&hold);
    }

    /// Writes the file anew where something in it is not needed.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn tidy(&mut self) -> io::Result<()> {
        if self.lines > count(&self.decisions) { self.write_anew() } else { Ok(()) }
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let most = count(&self.decisions) + SPENT;
        let Some(file) = self.file.as_mut().filter(|_| self.lines < most) else {
            return self.write_anew();
        };
        file.write_all(line)?;
        file.sync_data()?;
        self.lines += 1;
        Ok(())
    }

    fn write_anew(&mut self) -> io::Result<()> {
        let mut bytes = line(&self.head)?;
        for decision in self.decisions.values().flatten() {
            bytes.append(&mut line(decision)?);
        }
        self.file = None;
        write_atomically(&self.path, &bytes)?;
        self.file = Some(OpenOptions::new().append(true).open(&self.path)?);
        self.lines = count(&self.decisions);
        Ok(())
    }
}

/// Lines that are needed.
fn count(decisions: &Decisions) -> usize {
    decisions.values().map(Vec::len).sum()
}

fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// The decisions of this boot in the file. A last line without its end was cut off, and is dropped.
fn read(bytes: &[u8], boot: &str) -> serde_json::Result<Decisions> {
    let mut decisions = Decisions::new();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let Some(head) = lines.next() else { return Ok(decisions) };
    if serde_json::from_slice::<Head>(head)?.boot != boot {
        return Ok(decisions);
    }
    for line in lines {
        let decision: Decision = serde_json::from_slice(line)?;
        decisions.entry(decision.hold).or_default().push(decision);
    }
    Ok(decisions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatekeeper_record::decision::{DecidedBy, GrantScope};
    use gatekeeper_record::time::Moment;
    use std::fs;

    fn decision(hold: u64, approves: bool) -> Decision {
        Decision {
            event: None,
            approved: approves,
            summary: "write /srv/x".into(),
            decided_by: DecidedBy::Timeout,
            checks: Vec::new(),
            hold: HoldId::from_kernel(hold).unwrap(),
            owner: Some(1000),
            reason: None,
            scope: GrantScope::default(),
            session: None,
            session_name: None,
            is_final: true,
            time: Moment::from_micros(7),
        }
    }

    fn lines(folder: &Path) -> usize {
        fs::read_to_string(folder.join("holds.jsonl")).unwrap().lines().count()
    }

    #[test]
    fn decisions_outlive_the_daemon_and_not_the_boot() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), "one", &mut Vec::new()).unwrap();
        journal.note(decision(1, true)).unwrap();
        journal.note(decision(2, false)).unwrap();
        let mut next = Journal::open(folder.path(), "one", &mut Vec::new()).unwrap();
        assert_eq!(next.decisions(), journal.decisions());
        assert_eq!(next.decisions().len(), 2);
        next.note(decision(3, true)).unwrap();
        assert_eq!(Journal::open(folder.path(), "one", &mut Vec::new()).unwrap().decisions().len(), 3);
        assert!(Journal::open(folder.path(), "two", &mut Vec::new()).unwrap().decisions().is_empty());
    }

    #[test]
    fn decisions_of_version_1_are_read() {
        let read_version = |version: u8| {
            let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures"));
            let bytes = fs::read(fixtures.join(format!("state-{version}/holds.jsonl"))).unwrap();
            (read(&bytes, "b00t").unwrap(), bytes)
        };
        let ((old, _), (new, bytes)) = (read_version(1), read_version(2));
        assert_eq!(old, new);
        assert_eq!(old.values().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 1]);
        // The fixture of the new form is what is written now.
        let head = line(&Head { boot: "b00t".into() }).unwrap();
        let lines = new.values().flatten().map(|decision| line(decision).unwrap());
        assert_eq!([head].into_iter().chain(lines).collect::<Vec<_>>().concat(), bytes);
    }

    #[test]
    fn a_line_that_was_cut_off_is_dropped_and_harms_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("holds.jsonl");
        let mut journal = Journal::open(folder.path(), "one", &mut Vec::new()).unwrap();
        journal.note(decision(1, true)).unwrap();
        journal.note(decision(2, true)).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut next = Journal::open(folder.path(), "one", &mut Vec::new()).unwrap();
            assert!(next.decisions().len() <= 1, "{cut}");
            next.note(decision(9, false)).unwrap();
            let after = Journal::open(folder.path(), "one", &mut Vec::new()).unwrap();
            assert_eq!(after.decisions(), next.decisions(), "{cut}");
        }
    }

    #[test]
    fn decisions_that_are_over_leave_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), "one", &mut Vec::new()).unwrap();
        for number in 1..=2000 {
            journal.note(decision(number, true)).unwrap();
            journal.forget(HoldId::from_kernel(number).unwrap());
        }
        assert!(lines(folder.path()) < 2 * SPENT, "{} lines", lines(folder.path()));
        journal.tidy().unwrap();
        assert_eq!(lines(folder.path()), 1);
        journal.note(decision(3000, true)).unwrap();
        assert_eq!(
            Journal::open(folder.path(), "one", &mut Vec::new())
                .unwrap()
                .decisions()
                .get(&HoldId::from_kernel(3000).unwrap()),
            Some(&vec![decision(3000, true)])
        );
    }

    #[test]
    fn a_decision_that_can_not_be_written_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(&folder.path().join("missing"), "one", &mut Vec::new()).unwrap();
        assert!(journal.note(decision(1, true)).is_err());
        assert!(journal.decisions().values().all(Vec::is_empty));
    }
}
