//! The part of a recording that stands beside a record.

use anyhow::bail;
use gatekeeper_common::operation::Operation;

use gatekeeper_record::record::{Event, Record};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_trail::index::{Index, Query};

/// A stretch of time; all of it by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    from: Option<Moment>,
    until: Option<Moment>,
}

impl Part {
    /// From the start of a program, which this record tells of, until the session's next one.
    ///
    /// # Errors
    /// Where the record is no program's start in the session, or the index can't be read.
    pub fn of(index: &Index, session: SessionId, record: u64) -> anyhow::Result<Self> {
        let Some(start) = event(index, record)?.filter(|event| event.operation == Operation::Exec) else {
            bail!(
                "record {record} tells of no program's start\n  `gatekeeper audit search --session {session} --operation exec` lists those that do"
            );
        };
        match start.session {
            Some(its) if its == session => {}
            Some(other) => bail!("record {record} is of session {other}, not of {session}"),
            None => bail!("record {record} is of no session"),
        }
        let later = Query {
            session: Some(session.to_string()),
            operation: Some(Operation::Exec.name().to_owned()),
            since: Some(start.time),
            ..Query::default()
        };
        for id in index.search(&later)?.into_iter().filter(|id| *id > record) {
            if let Some(next) = event(index, id)?.filter(|next| next.is_start() && next.time > start.time) {
                return Ok(Self { from: Some(start.time), until: Some(next.time) });
            }
        }
        Ok(Self { from: Some(start.time), until: None })
    }

    /// Whether it lies in it.
    #[must_use]
    pub fn has(&self, time: Moment) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time < until)
    }
}

/// The operation a record tells of, if it does.
fn event(index: &Index, id: u64) -> anyhow::Result<Option<Box<Event>>> {
    let found = index.lines(&[id])?;
    let Some((_, line)) = found.first() else { return Ok(None) };
    Ok(match line.record()? {
        Record::Event(event) => Some(event),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use gatekeeper_common::verdict::Verdict;

    use super::*;
    use crate::config::Config;
    use gatekeeper_record::record::Object;
    use gatekeeper_trail::log::open::FOLDER;
    use gatekeeper_trail::log::writer::Log;
    use gatekeeper_trail::ocsf::samples::{denial, event as sample};

    fn exec(number: u64, verdict: Verdict, session: u64) -> Record {
        let object = Object::File {
            path: "/bin/ls".into(),
            path_hex: None,
            workspace_path: None,
            device: 1,
            inode: number,
        };
        let session = SessionId::from_kernel(session);
        Record::Event(Box::new(Event { session, ..sample(number, Operation::Exec, verdict, object) }))
    }

    #[test]
    fn a_part_ends_with_the_sessions_next_start() {
        let state = tempfile::tempdir().unwrap();
        let mut log = Log::open(state.path(), "box", "b", Config::default().trail).unwrap();
        // Record 0 is of the trail's beginning; the sample's time is its number in milliseconds.
        let (ours, other) = (77, 78);
        log.append(&[
            exec(1, Verdict::Allow, ours),
            denial(2),
            exec(3, Verdict::Allow, other),
            exec(4, Verdict::Deny, ours),
            exec(5, Verdict::Allow, ours),
        ])
        .unwrap();
        let index = Index::open(&state.path().join(FOLDER)).unwrap();
        let session = SessionId::from_kernel(ours).unwrap();
        let moment = |number: i64| Some(Moment::from_micros(1_800_000_000_000_000 + number * 1000));
        let part = |record| Part::of(&index, session, record).map_err(|error| error.to_string());
        let first = part(1).unwrap();
        assert_eq!(first, Part { from: moment(1), until: moment(5) });
        let has = [0, 1, 4, 5].map(|number| first.has(moment(number).unwrap()));
        assert_eq!(has, [false, true, true, false]);
        // What a refused start left on the terminal can be looked at as well.
        assert_eq!(part(4), Ok(Part { from: moment(4), until: moment(5) }));
        assert_eq!(part(5), Ok(Part { from: moment(5), until: None }));
        assert!(part(2).unwrap_err().contains("record 2 tells of no program's start"));
        assert!(part(3).unwrap_err().contains("record 3 is of session"));
        assert!(part(9).unwrap_err().contains("there is no record 9"));
        assert!(Part::default().has(Moment::from_micros(0)));
    }
}
