//! Processes and their parents, as far as execs show them: a fork that starts no program has no event.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::sync::Arc;

use gatekeeper_record::record::{Ancestor, Task};

/// Processes remembered; those whose exec is longest ago are forgotten first.
const REMEMBERED: usize = 50_000;
/// Ancestors of one process in a record, at most.
const GENERATIONS: usize = 16;
/// Of these, those that only /proc knows, at most: looking there takes time.
const LOOKED_UP: usize = 4;
/// Nanoseconds of /proc's clock tick, fixed in Linux's interface: start times from there are cut to it.
pub const TICK: u64 = 10_000_000;

#[derive(Debug)]
struct Process {
    start: u64,
    parent: u32,
    path: Arc<str>,
    exec: u64,
}

/// Processes by their id.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<u32, Process>,
    order: VecDeque<(u32, u64)>,
}

impl Processes {
    /// Notes that a process started this program, in the exec of this number.
    pub fn started(&mut self, task: &Task, path: Arc<str>, exec: u64) {
        let process = Process { start: task.start, parent: task.parent_pid, path, exec };
        let before = self.known.insert(task.pid, process);
        if before.is_none_or(|before| before.start != task.start) {
            self.order.push_back((task.pid, task.start));
        }
        while self.order.len() > REMEMBERED {
            let Some((pid, start)) = self.order.pop_front() else { break };
            if self.known.get(&pid).is_some_and(|process| process.start == start) {
                self.known.remove(&pid);
            }
        }
    }

    /// The number of the exec that started what a task's process runs.
    #[must_use]
    pub fn exec(&self, task: &Task) -> Option<u64> {
        self.known.get(&task.pid).filter(|process| process.start == task.start).map(|process| process.exec)
    }

    /// Returns the processes that a task's process descends from, nearest first.
    #[must_use]
    pub fn ancestry(&self, task: &Task) -> Vec<Ancestor> {
        let (mut pid, mut child) = (task.parent_pid, task.start);
        let mut found = Vec::new();
        while found.len() < GENERATIONS {
            // A number that was given out again means another process: no parent is younger than its child.
            let Some(process) = self.known.get(&pid).filter(|process| process.start <= child) else { break };
            found.push(Ancestor { pid, start: process.start, path: process.path.to_string() });
            (pid, child) = (process.parent, process.start);
        }
        found
    }

    /// The same, with those that only forked, as far as they still run.
    #[must_use]
    pub fn lineage(&self, task: &Task) -> Vec<Ancestor> {
        self.climb(task.parent_pid, task.start, LOOKED_UP)
    }

    /// A process and those it descends from, nearest first.
    #[must_use]
    pub fn chain(&self, pid: u32) -> Vec<Ancestor> {
        self.climb(pid, u64::MAX, GENERATIONS)
    }

    fn climb(&self, mut pid: u32, mut child: u64, mut look_ups: usize) -> Vec<Ancestor> {
        let mut found: Vec<Ancestor> = Vec::new();
        while found.len() < GENERATIONS && pid > 1 {
            let known = self.known.get(&pid).filter(|process| process.start <= child);
            let (ancestor, parent) = match known {
                // What is looked up must be the process that is known, where its number was given out again.
                Some(process)
                    if child != u64::MAX
                        || look(pid).is_some_and(|(_, start)| start == process.start / TICK) =>
                {
                    let path = process.path.to_string();
                    (Ancestor { pid, start: process.start, path }, process.parent)
                }
                _ if look_ups == 0 => break,
                _ => {
                    look_ups = look_ups.saturating_sub(1);
                    let Some((parent, start)) = look(pid).filter(|(_, start)| *start <= child / TICK) else {
                        break;
                    };
                    let path = fs::read_link(format!("/proc/{pid}/exe"));
                    let path = path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
                    (Ancestor { pid, start: start.saturating_mul(TICK), path }, parent)
                }
            };
            child = ancestor.start.saturating_add(TICK);
            found.push(ancestor);
            pid = parent;
        }
        found
    }
}

/// Returns a process's parent and when it started, in ticks, as /proc has it.
///
/// By hand: `procfs` opens the process's folder first and reads all 52 fields, which takes a quarter longer (19 µs instead
/// of 15 µs). This is asked for every process of a session with an open tool call, up to [`LOOKED_UP`] times.
fn look(pid: u32) -> Option<(u32, u64)> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name can hold any bytes, spaces and parentheses too, so count from its end.
    let after_name = std::str::from_utf8(stat.rsplit(|byte| *byte == b')').next()?).ok()?;
    let mut fields = after_name.split_ascii_whitespace().skip(1);
    Some((fields.next()?.parse().ok()?, fields.nth(17)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn task(pid: u32, parent: u32, start: u64) -> Task {
        Task { pid, tid: pid, parent_pid: parent, start, uid: 1000, comm: "x".into() }
    }

    #[test]
    fn a_chain_up_to_the_first() {
        let mut processes = Processes::default();
        processes.started(&task(10, 1, 100), "/usr/bin/claude".into(), 1);
        processes.started(&task(11, 10, 110), "/bin/sh".into(), 1);
        let chain = processes.ancestry(&task(12, 11, 120));
        let found: Vec<_> = chain.iter().map(|ancestor| (ancestor.pid, ancestor.path.as_str())).collect();
        assert_eq!(found, [(11, "/bin/sh"), (10, "/usr/bin/claude")]);
    }

    #[test]
    fn a_number_used_again_is_no_ancestor() {
        let mut processes = Processes::default();
        processes.started(&task(11, 1, 500), "/bin/later".into(), 1);
        assert_eq!(processes.ancestry(&task(12, 11, 120)), []);
    }

    #[test]
    fn who_only_forked_is_looked_up() {
        let own = std::process::id();
        let chain = Processes::default().chain(own);
        assert_eq!(chain[0].pid, own);
        assert_eq!(chain[0].path, std::env::current_exe().unwrap().to_string_lossy());
        let parent = std::os::unix::process::parent_id();
        assert_eq!(chain[1].pid, parent);
        // A child of ours that nobody knows of.
        let mut processes = Processes::default();
        let started = Task { pid: parent, start: chain[1].start + 5, ..task(parent, 1, 0) };
        processes.started(&started, "/bin/parent".into(), 1);
        let lineage = processes.lineage(&task(4_000_000, own, u64::MAX - TICK));
        let found: Vec<_> = lineage.iter().map(|one| (one.pid, one.start)).take(2).collect();
        assert_eq!(found, [(own, chain[0].start), (parent, chain[1].start + 5)]);
        assert_eq!(processes.lineage(&task(4_000_000, own, 0)), []);
    }

    #[test]
    fn a_name_can_hold_any_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(OsStr::from_bytes(b"\xff) R 1 "));
        fs::copy("/bin/sleep", &program).unwrap();
        let mut child = std::process::Command::new(&program).arg("60").spawn().unwrap();
        let found = look(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.unwrap().0, std::process::id());
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut processes = Processes::default();
        for pid in 0..REMEMBERED as u32 + 5 {
            processes.started(&task(pid, 0, u64::from(pid)), "/bin/x".into(), 1);
        }
        assert_eq!((processes.known.len(), processes.known.contains_key(&4)), (REMEMBERED, false));
    }
}
