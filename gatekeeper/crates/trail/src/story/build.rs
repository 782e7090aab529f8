//! From records to a story.

use std::collections::BTreeMap;

use super::holds::Holds;
use super::types::{Counts, Process, Report, Story, StoryEvent};
use gatekeeper_record::hook_report::ReportKind;
use gatekeeper_record::record::{AssistantReport, Change, Event, MatchedBy, Record, ToolLink};
use gatekeeper_record::session_id::SessionId;

/// A process: its id and when it started.
type Key = (u32, u64);

impl Story {
    /// The story that these records tell, each with its number.
    #[must_use]
    pub fn of(session: SessionId, records: &[(u64, Record)]) -> Self {
        build(session, records)
    }
}

fn build(session: SessionId, records: &[(u64, Record)]) -> Story {
    let (mut opened, mut ended, mut changes, mut nested) = (None, None, Vec::new(), Vec::new());
    let mut counts = Counts::default();
    let mut events: BTreeMap<Key, Vec<StoryEvent>> = BTreeMap::new();
    let mut parents: BTreeMap<Key, Key> = BTreeMap::new();
    let (mut reports, mut holds) = (Vec::new(), Holds::default());
    for (number, record) in records {
        match record {
            Record::Session(change) if change.session == session => {
                counts.records += 1;
                match change.change {
                    Change::Opened => opened = Some(change.clone()),
                    Change::Ended => ended = Some(change.time),
                    Change::Reloaded | Change::ReloadFailed | Change::Recorded | Change::Expired => {
                        changes.push(change.clone());
                    }
                }
            }
            Record::Session(change) if change.parent == Some(session) && change.change == Change::Opened => {
                nested.push(change.session);
            }
            Record::AssistantReport(one) if one.session == session => {
                counts.records += 1;
                counts.prompts += u64::from(one.report.kind == ReportKind::Prompt);
                counts.tool_calls += u64::from(one.report.kind == ReportKind::ToolCall);
                reports.push(Report { record: *number, report: AssistantReport::clone(one) });
            }
            Record::Event(event) if event.session == Some(session) => {
                counts.records += 1;
                count(&mut counts, event);
                holds.event(*number, event);
                let key = (event.task.pid, event.task.start);
                if let Some(parent) = event.ancestry.first() {
                    parents.insert(key, (parent.pid, parent.start));
                }
                events
                    .entry(key)
                    .or_default()
                    .push(StoryEvent { record: *number, event: Event::clone(event) });
            }
            Record::Decision(decision) if decision.session == Some(session) => {
                counts.records += 1;
                holds.decision(*number, decision);
            }
            _ => {}
        }
    }
    counts.processes = events.len() as u64;
    let processes = tree(events, &parents);
    let holds = holds.finish(ended.is_some(), &mut counts);
    Story { session, opened, ended, changes, nested, counts, assistant_reports: reports, holds, processes }
}

fn count(counts: &mut Counts, event: &Event) {
    if event.is_refused() {
        counts.refused += 1;
    } else if event.is_held() {
        // Counted with what came of it.
    } else if event.is_start() {
        counts.programs += 1;
    } else {
        counts.audited += 1;
    }
}

/// The tool call a process belongs to: what was found last, for its arguments can tell more than its start. An
/// assistant's own process belongs to none, whatever it had open now and then.
fn tool(events: &[StoryEvent]) -> Option<ToolLink> {
    let link = events.iter().rev().find_map(|one| one.event.tool_call.clone())?;
    Some(link).filter(|link| link.matched_by != MatchedBy::Assistant)
}

/// Parents before their children; children in the order in which they first did something.
fn tree(mut events: BTreeMap<Key, Vec<StoryEvent>>, parents: &BTreeMap<Key, Key>) -> Vec<Process> {
    let mut order: Vec<(u64, Key)> =
        events.iter().filter_map(|(key, events)| Some((events.first()?.record, *key))).collect();
    order.sort_unstable();
    let mut children: BTreeMap<Option<Key>, Vec<Key>> = BTreeMap::new();
    for (_, key) in &order {
        let parent = parents.get(key).copied().filter(|parent| events.contains_key(parent) && parent != key);
        children.entry(parent).or_default().push(*key);
    }
    let mut ordered: Vec<Process> = Vec::new();
    let mut next: Vec<(Key, Option<usize>)> =
        children.get(&None).into_iter().flatten().rev().map(|key| (*key, None)).collect();
    while let Some((key, parent)) = next.pop() {
        let Some(events) = events.remove(&key) else { continue };
        let depth = parent.and_then(|at| ordered.get(at)).map_or(0, |parent: &Process| parent.depth + 1);
        let place = ordered.len();
        ordered.push(Process {
            pid: key.0,
            start: key.1,
            parent_index: parent,
            depth,
            tool_call: tool(&events),
            events,
        });
        next.extend(children.get(&Some(key)).into_iter().flatten().rev().map(|key| (*key, Some(place))));
    }
    ordered
}
