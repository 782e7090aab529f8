//! Holds that wait for a decision, as the daemon knows them: the kernel's table, explained, with the decisions so far.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use gatekeeper_common::event::Object as Form;
use gatekeeper_common::hold::Hold;
use gatekeeper_common::operation::{Family, Operation};
use tokio::sync::{Notify, watch};
use tracing::warn;

use super::flood::Floods;
use super::journal::Journal;
use gatekeeper_policy::approval::Terms;
use gatekeeper_policy::question::{Question, Start};
use gatekeeper_record::decision::{DecidedBy, Decision, GrantScope, HoldId, Person};
use gatekeeper_record::held::{Checked, Held};
use gatekeeper_record::record::{Event, Object};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_trail::objects::address;
use gatekeeper_trail::state_file::SetAside;

/// One hold.
#[derive(Debug)]
pub struct Entry {
    /// The hold as the kernel has it.
    pub hold: Hold,
    /// The event, explained.
    pub event: Event,
    /// The request, for the record: operation, object and arguments, their secrets masked.
    pub asked: String,
    /// The terms on which it is decided.
    pub terms: Terms,
    /// The outermost of the sessions it is in, and what that may ask a minute: what it opens within asks for it.
    pub outermost: Option<Outermost>,
    /// The owner's login name.
    pub owner_name: Option<String>,
    /// Whether no other rule covers a part of its rule on other terms.
    pub rule_alone: bool,
    /// The decisions so far.
    pub decisions: Vec<Decision>,
    /// The answers of checks.
    pub checks: Vec<Checked>,
    /// Whether checks are still at work; until then nobody is asked.
    pub checking: bool,
    /// Whether people were asked.
    pub people_asked: bool,
}

/// A session that is in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outermost {
    /// Which.
    pub session: SessionId,
    /// Holds a minute, by its own policies.
    pub rate: usize,
}

impl Entry {
    /// The session whose rate it counts against, and that rate.
    #[must_use]
    pub fn asks_for(&self) -> Option<(SessionId, usize)> {
        let outer = self.outermost?;
        let nested = self.event.session != Some(outer.session);
        let rate = self.terms.rate();
        Some((outer.session, if nested { rate.min(outer.rate) } else { rate }))
    }

    /// The decision, once there is one.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        self.decisions.last().filter(|decision| decision.is_final)
    }

    /// The time at which it is denied, since boot.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_nanos(self.hold.event.time).saturating_add(self.terms.wait())
    }

    /// The people who have approved.
    pub fn approved(&self) -> impl Iterator<Item = &Person> {
        self.decisions.iter().filter(|decision| decision.approved).filter_map(|decision| {
            match &decision.decided_by {
                DecidedBy::Person(person) => Some(person),
                _ => None,
            }
        })
    }

    /// The scope that is granted where this approval is the last that was needed: the part that all approvals cover. The
    /// last person to approve counts no more than the others.
    #[must_use]
    pub fn granted(&self, last: GrantScope) -> GrantScope {
        self.decisions
            .iter()
            .filter(|decision| decision.approved)
            .fold(last, |all, decision| all.and(decision.scope))
    }

    fn shown(&self, flood: Option<u64>, now: Duration) -> Option<Held> {
        let hold = HoldId::from_kernel(self.hold.event.sequence)?;
        Some(Held {
            hold,
            event: self.event.clone(),
            arguments: arguments(&self.hold),
            working_directory: fs::read_link(
                Path::new("/proc").join(self.hold.event.pid.to_string()).join("cwd"),
            )
            .ok(),
            seconds_left: self.deadline().saturating_sub(now).as_secs(),
            terms: self.terms.clone(),
            approved_by: self.approved().cloned().collect(),
            checks: self.checks.clone(),
            owner_name: self.owner_name.clone(),
            flood_denied: flood,
        })
    }
}

/// The arguments of the program that is to start; none where none is.
#[must_use]
pub fn arguments(hold: &Hold) -> Option<Vec<String>> {
    let bytes = hold.arguments.get(..hold.length as usize).filter(|_| hold.count > 0)?;
    let whole = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    Some(whole.split(|byte| *byte == 0).map(|word| gatekeeper_trail::objects::readable(word).0).collect())
}

/// The question to a policy, as far as the kernel's table has it.
#[must_use]
pub fn question(hold: &Hold) -> Option<Question> {
    let operation = Operation::from_code(hold.event.operation)?;
    let object = hold.object.get(..hold.event.length as usize)?;
    let form = |form: Form| hold.event.object == form as u8;
    if form(Form::Path) && operation.family() == Family::Exec {
        let bytes = hold.arguments.get(..hold.length as usize)?;
        let words = bytes.strip_suffix(&[0]).unwrap_or(bytes).split(|byte| *byte == 0);
        let argv = words.map(<[u8]>::to_vec).filter(|_| hold.count > 0).collect();
        let setuid = operation == Operation::Setuid;
        Some(Question::Exec(Start { program: object.to_vec(), argv, env: Vec::new(), setuid, memory: 0 }))
    } else if form(Form::Path) {
        Some(Question::File(object.to_vec(), vec![operation]))
    } else if form(Form::Unix) {
        Some(Question::Unix(object.to_vec(), operation))
    } else if form(Form::Address) {
        match address(object)? {
            Object::Address { address, protocol } => Some(Question::Net(address, protocol, operation)),
            _ => None,
        }
    } else if form(Form::Process) && operation == Operation::Signal {
        Some(Question::Signal(u8::try_from(hold.event.detail).ok()?, object.to_vec()))
    } else {
        None
    }
}

/// All that waits.
#[derive(Debug)]
pub struct Queue {
    /// By number.
    pub entries: BTreeMap<HoldId, Entry>,
    /// The decisions, on disk.
    pub journal: Journal,
    /// The rates at which sessions ask.
    pub floods: Floods,
    /// Decided and gone, with when: their decisions may not be in the trail on disk yet.
    over: VecDeque<(Duration, HoldId)>,
    /// The time at which the journal was last rid of what is over.
    tidied: Duration,
    /// Holds that an earlier daemon decided on, until it is known whether they still wait.
    earlier: Vec<HoldId>,
    /// New, and to be checked before people are asked.
    unchecked: Vec<HoldId>,
    changed: watch::Sender<u64>,
}

/// The signal that the table has to be looked at.
#[derive(Debug, Default)]
pub struct Bell(pub Notify);

/// Time that a decision stays in the journal after its hold is over.
const KEPT: Duration = Duration::from_secs(30);

impl Queue {
    /// An empty queue with the journal of the state folder.
    ///
    /// # Errors
    /// Where a damaged journal can't be renamed.
    pub fn open(state: &Path, boot: &str, set_aside: &mut Vec<SetAside>) -> io::Result<Self> {
        let journal = Journal::open(state, boot, set_aside)?;
        Ok(Self {
            entries: BTreeMap::new(),
            earlier: journal.decisions().keys().copied().collect(),
            journal,
            floods: Floods::default(),
            over: VecDeque::new(),
            tidied: Duration::ZERO,
            unchecked: Vec::new(),
            changed: watch::Sender::new(0),
        })
    }

    /// Rises with every change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Notifies those who follow that something changed.
    pub fn change(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    /// Has a hold checked.
    pub fn to_check(&mut self, hold: HoldId) {
        self.unchecked.push(hold);
    }

    /// The holds whose checks are to begin.
    pub fn take_unchecked(&mut self) -> Vec<HoldId> {
        std::mem::take(&mut self.unchecked)
    }

    /// A hold as people are shown it.
    #[must_use]
    pub fn shown(&self, entry: &Entry, now: Duration) -> Option<Held> {
        entry.shown(self.floods.of(entry.asks_for().map(|(session, _)| session)), now)
    }

    /// Removes holds that are not in the kernel's table any more.
    pub fn leave(&mut self, hold: HoldId, now: Duration) -> Option<Entry> {
        let entry = self.entries.remove(&hold)?;
        self.over.push_back((now, hold));
        self.change();
        Some(entry)
    }

    /// Decisions of an earlier daemon on holds that wait no more: it may have been killed before the
    /// trail had them on disk.
    pub fn finished_before(&mut self, now: Duration, waits: impl Fn(&HoldId) -> bool) -> Vec<Decision> {
        let mut finished = Vec::new();
        for hold in std::mem::take(&mut self.earlier).into_iter().filter(|hold| !waits(hold)) {
            let decision = self.journal.decisions().get(&hold).and_then(|decisions| decisions.last());
            finished.extend(decision.filter(|decision| decision.is_final).cloned());
            self.over.push_back((now, hold));
        }
        finished
    }

    /// Forgets holds that have been over for long.
    pub fn tidy(&mut self, now: Duration) {
        while self.over.front().is_some_and(|(then, _)| now.saturating_sub(*then) >= KEPT) {
            if let Some((_, hold)) = self.over.pop_front() {
                self.journal.forget(hold);
            }
        }
        if now.saturating_sub(self.tidied) >= KEPT {
            self.tidied = now;
            if let Err(error) = self.journal.tidy() {
                warn!("decisions on holds that are over stay in the journal: {error}");
            }
        }
        self.floods.tidy(now);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use bytemuck::Zeroable;
    use gatekeeper_common::verdict::Verdict;

    use super::*;
    use gatekeeper_trail::ocsf::samples::event;

    /// A hold without decisions, of a session of user 1000.
    pub fn entry() -> Entry {
        let object =
            Object::File { path: "/srv/x".into(), path_hex: None, workspace_path: None, device: 1, inode: 2 };
        let mut hold = Hold::zeroed();
        (hold.event.sequence, hold.event.asking) = (17, 1);
        Entry {
            hold,
            event: event(17, Operation::Delete, Verdict::Ask, object),
            asked: "delete /srv/x".into(),
            terms: Terms::default(),
            outermost: None,
            owner_name: None,
            rule_alone: true,
            decisions: Vec::new(),
            checks: Vec::new(),
            checking: false,
            people_asked: true,
        }
    }

    #[test]
    fn sessions_within_sessions_ask_no_oftener_than_the_outermost() {
        let id = |number| SessionId::from_kernel(number).unwrap();
        let mut floods = Floods::default();
        let mut ask = |number: u64, per_minute| {
            let mut entry = entry();
            entry.terms.per_minute = Some(per_minute);
            entry.event.session = Some(id(number));
            entry.outermost = Some(Outermost { session: id(1), rate: 3 });
            let (session, rate) = entry.asks_for().unwrap();
            floods.may_ask(session, rate, Duration::from_secs(number))
        };
        // Each a new session, of a policy that lets itself ask much.
        assert_eq!((2..40).filter(|number| ask(*number, 1000)).count(), 4);
        // Who is in none has its own policy's word.
        assert!((0..40).all(|_| ask(1, 1000)));
        assert_eq!(floods.of(Some(id(2))), None);
    }
}
