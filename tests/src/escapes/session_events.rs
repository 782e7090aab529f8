//! The events of a session, asked of the daemon.

use std::path::Path;

use anyhow::Result;
use gatekeeper::protocol::client::ask;
use gatekeeper::protocol::messages::{Answer, Events, Request};
use serde_json::Value;

use crate::daemon::SOCKET;

/// Returns the number of its last event: later events have higher ones.
pub fn last(session: &str) -> Result<u64> {
    Ok(events(session)?.iter().map(number).max().unwrap_or(0))
}

/// Returns the operations refused in it after that event, each in a few words.
pub fn denials(session: &str, after: u64) -> Result<Vec<String>> {
    let mut events = events(session)?;
    events.retain(|event| event["passed"] == false && number(event) > after);
    Ok(events.iter().map(crate::events::brief).collect())
}

fn number(event: &Value) -> u64 {
    event["sequence"].as_u64().unwrap_or(0)
}

fn events(session: &str) -> Result<Vec<Value>> {
    let session = session.parse().map_err(|_| anyhow::anyhow!("no session's id: {session:?}"))?;
    let wanted = Events { follow: false, session: Some(session), last: None };
    let mut events = Vec::new();
    for answer in ask(Path::new(SOCKET), Request::Events(wanted))? {
        if let Answer::Record(record) = answer? {
            let event = serde_json::to_value(&record)?;
            if event["type"] == "event" {
                events.push(event);
            }
        }
    }
    Ok(events)
}
