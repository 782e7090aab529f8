//! People asked about a hold, or the hold denied where its session asks too often.

use gatekeeper_record::decision::{DecidedBy, GrantScope, HoldId};
use gatekeeper_record::time::since_boot;
use tracing::error;

use super::decide::{new_decision, settle};
use crate::daemon::state::State;

/// Asks people about a hold, unless they were asked too often.
pub fn ask_people(daemon: &State, id: HoldId) {
    let now = since_boot();
    let mut queue = daemon.holds_mut();
    let Some(entry) = queue.entries.get(&id) else { return };
    let (asks_for, fresh) = (entry.asks_for(), entry.decisions.is_empty());
    let may = !fresh || asks_for.is_none_or(|(session, rate)| queue.floods.may_ask(session, rate, now));
    let Some(entry) = queue.entries.get_mut(&id) else { return };
    if may {
        entry.people_asked = true;
        let held = queue.entries.get(&id).and_then(|entry| queue.shown(entry, now));
        queue.change();
        drop(queue);
        return held.iter().for_each(|held| daemon.notifier().asks(held));
    }
    let refused = new_decision(entry, id, false, DecidedBy::RateLimit, GrantScope::default(), None, true);
    drop(queue);
    if let Err(refusal) = settle(daemon, &refused) {
        error!("hold {id}: {refusal}");
    }
}
