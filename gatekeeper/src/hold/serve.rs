//! The daemon's part that looks after holds: finds new ones, denies those that nobody answered, wakes those decided.

use std::rc::Rc;
use std::time::Duration;

use gatekeeper_common::hold::Hold;
use tracing::error;

use super::check::check;
use super::decide::{apply, said, settle};
use super::queue::{Entry, Outermost, arguments, question};
use super::wake::wake;
use crate::session::gate::Gate;
use gatekeeper_policy::rulebook::Conditions;
use gatekeeper_record::decision::{DecidedBy, GrantScope, HoldId};
use gatekeeper_record::raw_event::RawEvent;
use gatekeeper_record::record::{Event, Record};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::since_boot;
use gatekeeper_trail::objects::command_line;

/// Between two looks while tasks are to get their answers.
const WAKING: Duration = Duration::from_millis(20);
/// Between two looks while something waits.
const WAITING: Duration = Duration::from_millis(250);
/// Between two looks while nothing is known to wait: an announcement could have been lost.
const RESTING: Duration = Duration::from_secs(1);

/// Looks after holds for ever.
pub async fn serve(gate: Rc<Gate>) {
    loop {
        look(&gate);
        let unchecked = gate.holds.borrow_mut().take_unchecked();
        for id in unchecked {
            tokio::task::spawn_local(check(Rc::clone(&gate), id));
        }
        let pause = {
            let queue = gate.holds.borrow();
            if queue.entries.values().any(|entry| entry.decision().is_some()) {
                WAKING
            } else if queue.entries.is_empty() {
                RESTING
            } else {
                WAITING
            }
        };
        tokio::select! {
            () = gate.bell.0.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Compares with the kernel's table, denies what is due, and wakes what is decided.
pub fn look(gate: &Gate) {
    let now = since_boot();
    let table = match gate.with_kernel(|kernel| kernel.holds()) {
        Ok(table) => table,
        Err(refusal) if refusal.reason == gatekeeper_record::refusal::Reason::NotEnforcing => return,
        Err(refusal) => return error!("{refusal}"),
    };
    let waits = |id: &HoldId| table.iter().any(|hold| hold.event.sequence == id.number());
    let finished = gate.holds.borrow_mut().finished_before(now, waits);
    finished.iter().for_each(|decision| gate.trail.borrow_mut().repeat(decision));
    gone(gate, &table, now);
    for hold in &table {
        let Some(id) = HoldId::from_kernel(hold.event.sequence) else { continue };
        if !gate.holds.borrow().entries.contains_key(&id) {
            arrived(gate, id, hold);
        }
    }
    expire(gate, now);
    let decided: Vec<Hold> = {
        let queue = gate.holds.borrow();
        queue.entries.values().filter(|entry| entry.decision().is_some()).map(|entry| entry.hold).collect()
    };
    for hold in decided {
        if let Err(error) = wake(&hold.event) {
            error!("hold {}: {error}", hold.event.sequence);
        }
    }
    gate.holds.borrow_mut().tidy(now);
}

/// What is not in the table any more: answered, or its task is gone or asks for something else.
fn gone(gate: &Gate, table: &[Hold], now: Duration) {
    let there = |id: &HoldId| table.iter().any(|hold| hold.event.sequence == id.number());
    let gone: Vec<HoldId> = gate.holds.borrow().entries.keys().copied().filter(|id| !there(id)).collect();
    for id in gone {
        let left = gate.holds.borrow_mut().leave(id, now);
        if let Some(entry) = left.filter(|entry| entry.decision().is_none()) {
            let end = said(&entry, id, false, DecidedBy::Gone, GrantScope::default(), None, true);
            if entry.people_asked {
                gate.notifier.decided(&end);
            }
            gate.trail.borrow_mut().note(Record::Decision(Box::new(end)));
        }
        // Taken out by whoever asked; left over where nobody did.
        if let Err(refusal) = gate.with_kernel(|kernel| kernel.forget(id.number())) {
            error!("{refusal}");
        }
    }
}

fn arrived(gate: &Gate, id: HoldId, hold: &Hold) {
    let object = hold.object.get(..hold.event.length as usize).unwrap_or(&hold.object).to_vec();
    let raw = RawEvent { header: hold.event, object };
    let explained = gate.trail.borrow_mut().explain(&raw, question(hold));
    let (event, Conditions { terms, rule_alone }) = match explained {
        Ok(explained) => explained,
        Err(error) => return error!("{error}"),
    };
    let earlier = gate.holds.borrow().journal.said().get(&id).cloned().unwrap_or_default();
    let asked = asked(gate, &event, hold);
    let owner_name =
        event.session.and_then(|session| Some(gate.sessions.borrow().get(&session)?.owner.name.clone()));
    let mut entry = Entry {
        hold: *hold,
        outermost: event.session.map(|session| outermost(gate, session)),
        owner_name,
        event,
        asked,
        terms,
        rule_alone,
        said: earlier,
        checks: Vec::new(),
        checking: false,
        people_asked: false,
    };
    let decided = entry.decision().cloned();
    entry.checking = decided.is_none() && entry.terms.checks.is_some();
    let mut queue = gate.holds.borrow_mut();
    if entry.checking {
        queue.to_check(id);
        // Whoever looked may not be the one who starts checks.
        gate.bell.0.notify_one();
    }
    let checking = entry.checking;
    queue.entries.insert(id, entry);
    queue.change();
    drop(queue);
    match decided {
        // An earlier daemon wrote the decision down, and may not have come further.
        Some(decision) => {
            gate.trail.borrow_mut().repeat(&decision);
            if let Err(refusal) = apply(gate, hold, &decision) {
                error!("hold {id}: {refusal}");
            }
        }
        None if checking => {}
        None => ask_people(gate, id),
    }
}

fn outermost(gate: &Gate, session: SessionId) -> Outermost {
    let session = gate.outermost(session);
    Outermost { session, rate: gate.trail.borrow().rate(session) }
}

/// Asks people about a hold, unless they were asked too often.
pub fn ask_people(gate: &Gate, id: HoldId) {
    let now = since_boot();
    let mut queue = gate.holds.borrow_mut();
    let Some(entry) = queue.entries.get(&id) else { return };
    let (asks_for, fresh) = (entry.asks_for(), entry.said.is_empty());
    let may = !fresh || asks_for.is_none_or(|(session, rate)| queue.floods.may_ask(session, rate, now));
    let Some(entry) = queue.entries.get_mut(&id) else { return };
    if may {
        entry.people_asked = true;
        let held = queue.entries.get(&id).and_then(|entry| queue.shown(entry, now));
        queue.change();
        drop(queue);
        return held.iter().for_each(|held| gate.notifier.asks(held));
    }
    let refused = said(entry, id, false, DecidedBy::Limit, GrantScope::default(), None, true);
    drop(queue);
    if let Err(refusal) = settle(gate, refused) {
        error!("hold {id}: {refusal}");
    }
}

/// What is asked, for the record.
fn asked(gate: &Gate, event: &Event, hold: &Hold) -> String {
    let asked = format!("{} {}", event.operation.name(), event.object.brief());
    let Some(arguments) = arguments(hold) else { return asked };
    format!("{asked} ({})", command_line(&gate.trail.borrow().masked(event.session, &arguments)))
}

/// Denies what nobody answered in time.
fn expire(gate: &Gate, now: Duration) {
    let due: Vec<_> = {
        let queue = gate.holds.borrow();
        let late = |entry: &&Entry| entry.decision().is_none() && entry.deadline() <= now;
        queue
            .entries
            .iter()
            .filter(|(_, entry)| late(entry))
            .map(|(id, entry)| said(entry, *id, false, DecidedBy::Timeout, GrantScope::default(), None, true))
            .collect()
    };
    for decision in due {
        let id = decision.hold;
        if let Err(refusal) = settle(gate, decision) {
            error!("hold {id}: {refusal}");
        }
    }
}

/// Wakes everything that waits, so that it is judged anew: by policies just replaced.
pub fn wake_all(gate: &Gate) {
    for entry in gate.holds.borrow().entries.values() {
        if let Err(error) = wake(&entry.hold.event) {
            error!("hold {}: {error}", entry.hold.event.sequence);
        }
    }
}
