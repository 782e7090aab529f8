//! Which process descends from which, as far as execs tell: a fork that starts no program has no event.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::record::{Ancestor, Task};

/// Processes remembered; those whose exec is longest ago are forgotten first.
const REMEMBERED: usize = 50_000;
/// Ancestors told of one process, at most.
const GENERATIONS: usize = 16;

#[derive(Debug)]
struct Process {
    start: u64,
    parent: u32,
    path: Arc<str>,
}

/// Processes by their id.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<u32, Process>,
    order: VecDeque<(u32, u64)>,
}

impl Processes {
    /// Notes that a process started this program.
    pub fn started(&mut self, task: &Task, path: Arc<str>) {
        let process = Process { start: task.start, parent: task.parent, path };
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

    /// What a task's process descends from, nearest first.
    #[must_use]
    pub fn ancestry(&self, task: &Task) -> Vec<Ancestor> {
        let (mut pid, mut child) = (task.parent, task.start);
        let mut found = Vec::new();
        while found.len() < GENERATIONS {
            // A number that was given out again means another process: no parent is younger than its child.
            let Some(process) = self.known.get(&pid).filter(|process| process.start <= child) else { break };
            found.push(Ancestor { pid, start: process.start, path: process.path.to_string() });
            (pid, child) = (process.parent, process.start);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(pid: u32, parent: u32, start: u64) -> Task {
        Task { pid, tid: pid, parent, start, uid: 1000, comm: "x".into() }
    }

    #[test]
    fn a_chain_up_to_the_first() {
        let mut processes = Processes::default();
        processes.started(&task(10, 1, 100), "/usr/bin/claude".into());
        processes.started(&task(11, 10, 110), "/bin/sh".into());
        let chain = processes.ancestry(&task(12, 11, 120));
        let told: Vec<_> = chain.iter().map(|ancestor| (ancestor.pid, ancestor.path.as_str())).collect();
        assert_eq!(told, [(11, "/bin/sh"), (10, "/usr/bin/claude")]);
    }

    #[test]
    fn a_number_used_again_is_no_ancestor() {
        let mut processes = Processes::default();
        processes.started(&task(11, 1, 500), "/bin/later".into());
        assert_eq!(processes.ancestry(&task(12, 11, 120)), []);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut processes = Processes::default();
        for pid in 0..REMEMBERED as u32 + 5 {
            processes.started(&task(pid, 0, u64::from(pid)), "/bin/x".into());
        }
        assert_eq!((processes.known.len(), processes.known.contains_key(&4)), (REMEMBERED, false));
    }
}
