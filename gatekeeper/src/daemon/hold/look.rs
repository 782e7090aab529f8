//! One look at the kernel's table of holds: new ones are taken in, late ones denied, decided ones woken.

use std::time::Duration;

use gatekeeper_common::hold::Hold;
use tracing::error;

use super::ask_people::ask_people;
use super::decide::{apply, new_decision, settle};
use crate::daemon::state::State;
use crate::hold::queue::{Entry, Outermost, arguments, question};
use crate::hold::wake::wake;
use gatekeeper_policy::rulebook::Conditions;
use gatekeeper_record::decision::{DecidedBy, GrantScope, HoldId};
use gatekeeper_record::raw_event::RawEvent;
use gatekeeper_record::record::{Event, Record};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::since_boot;
use gatekeeper_trail::objects::command_line;

/// Compares with the kernel's table, denies what is due, and wakes what is decided.
pub fn look(daemon: &State) {
    let now = since_boot();
    let table = match daemon.with_kernel(|kernel| kernel.holds()) {
        Ok(table) => table,
        Err(refusal) if refusal.reason == gatekeeper_record::refusal::Reason::NotEnforcing => return,
        Err(refusal) => return error!("{refusal}"),
    };
    let waits = |id: &HoldId| table.iter().any(|hold| hold.event.sequence == id.number());
    let finished = daemon.holds_mut().finished_before(now, waits);
    for decision in &finished {
        daemon.trail_mut().repeat(decision);
    }
    gone(daemon, &table, now);
    for hold in &table {
        let Some(id) = HoldId::from_kernel(hold.event.sequence) else { continue };
        if !daemon.holds().entries.contains_key(&id) {
            arrived(daemon, id, hold);
        }
    }
    expire(daemon, now);
    let decided: Vec<Hold> = {
        let queue = daemon.holds();
        queue.entries.values().filter(|entry| entry.decision().is_some()).map(|entry| entry.hold).collect()
    };
    for hold in decided {
        if let Err(error) = wake(&hold.event) {
            error!("hold {}: {error}", hold.event.sequence);
        }
    }
    daemon.holds_mut().tidy(now);
}

/// Settles holds that left the table: answered, or the task is gone or asks for something else.
fn gone(daemon: &State, table: &[Hold], now: Duration) {
    let there = |id: &HoldId| table.iter().any(|hold| hold.event.sequence == id.number());
    let gone: Vec<HoldId> = daemon.holds().entries.keys().copied().filter(|id| !there(id)).collect();
    for id in gone {
        let left = daemon.holds_mut().leave(id, now);
        if let Some(entry) = left.filter(|entry| entry.decision().is_none()) {
            let end =
                new_decision(&entry, id, false, DecidedBy::Withdrawn, GrantScope::default(), None, true);
            if entry.people_asked {
                daemon.notifier().decided(&end);
            }
            daemon.trail_mut().note(Record::Decision(Box::new(end)));
        }
        // Taken out by whoever asked; left over where nobody did.
        if let Err(refusal) = daemon.with_kernel(|kernel| kernel.forget(id.number())) {
            error!("{refusal}");
        }
    }
}

fn arrived(daemon: &State, id: HoldId, hold: &Hold) {
    let object = hold.object.get(..hold.event.length as usize).unwrap_or(&hold.object).to_vec();
    let raw = RawEvent { header: hold.event, object };
    let explained = daemon.trail_mut().explain(&raw, question(hold));
    let (event, Conditions { terms, rule_alone }) = match explained {
        Ok(explained) => explained,
        Err(error) => return error!("{error}"),
    };
    let earlier = daemon.holds().journal.decisions().get(&id).cloned().unwrap_or_default();
    let asked = asked(daemon, &event, hold);
    let owner_name =
        event.session.and_then(|session| Some(daemon.sessions().get(&session)?.owner.name.clone()));
    let mut entry = Entry {
        hold: *hold,
        outermost: event.session.map(|session| outermost(daemon, session)),
        owner_name,
        event,
        asked,
        terms,
        rule_alone,
        decisions: earlier,
        checks: Vec::new(),
        checking: false,
        people_asked: false,
    };
    let decided = entry.decision().cloned();
    entry.checking = decided.is_none() && entry.terms.checks.is_some();
    let mut queue = daemon.holds_mut();
    if entry.checking {
        queue.to_check(id);
        // Whoever looked may not be the one who starts checks.
        daemon.bell().0.notify_one();
    }
    let checking = entry.checking;
    queue.entries.insert(id, entry);
    queue.change();
    drop(queue);
    match decided {
        // An earlier daemon wrote the decision down, and may not have come further.
        Some(decision) => {
            daemon.trail_mut().repeat(&decision);
            if let Err(refusal) = apply(daemon, hold, &decision) {
                error!("hold {id}: {refusal}");
            }
        }
        None if checking => {}
        None => ask_people(daemon, id),
    }
}

fn outermost(daemon: &State, session: SessionId) -> Outermost {
    let session = daemon.outermost(session);
    Outermost { session, rate: daemon.trail().rate(session) }
}

/// The text of the request, for the record.
fn asked(daemon: &State, event: &Event, hold: &Hold) -> String {
    let asked = format!("{} {}", event.operation.name(), event.object.brief());
    let Some(arguments) = arguments(hold) else { return asked };
    format!("{asked} ({})", command_line(&daemon.trail().masked(event.session, &arguments)))
}

/// Denies what nobody answered in time.
fn expire(daemon: &State, now: Duration) {
    let due: Vec<_> = {
        let queue = daemon.holds();
        let late = |entry: &&Entry| entry.decision().is_none() && entry.deadline() <= now;
        queue
            .entries
            .iter()
            .filter(|(_, entry)| late(entry))
            .map(|(id, entry)| {
                new_decision(entry, *id, false, DecidedBy::Timeout, GrantScope::default(), None, true)
            })
            .collect()
    };
    for decision in due {
        let id = decision.hold;
        if let Err(refusal) = settle(daemon, &decision) {
            error!("hold {id}: {refusal}");
        }
    }
}

/// Wakes everything that waits, so that it is judged anew: by policies just replaced.
pub fn wake_all(daemon: &State) {
    for entry in daemon.holds().entries.values() {
        if let Err(error) = wake(&entry.hold.event) {
            error!("hold {}: {error}", entry.hold.event.sequence);
        }
    }
}
