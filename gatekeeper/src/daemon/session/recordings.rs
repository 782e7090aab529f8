//! Recordings of terminals that are too old, by the rule that removes old records.

use std::fs;

use tracing::error;

use crate::daemon::state::State;
use gatekeeper_record::record::Upkeep;
use gatekeeper_trail::cast;
use gatekeeper_trail::log::open::note_of;

/// Removes recordings as old as records may be, each put on record first; of an open session none, for it may go on.
pub fn prune(daemon: &State) {
    if daemon.trail().health().trouble().is_some() {
        // What can't be put on record stays.
        return;
    }
    let old = match cast::older_than(&daemon.config().state, daemon.config().trail.keep_age) {
        Ok(old) => old,
        Err(error) => return error!("recordings: {error}"),
    };
    for (session, path) in old {
        if daemon.sessions().contains_key(&session) {
            continue;
        }
        let note = format!("the recording of session {session} is removed, as the configuration says");
        daemon.trail_mut().note(note_of(Upkeep::Removed, note, None));
        if let Err(error) = fs::remove_file(&path) {
            error!("{}: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use tokio::sync::mpsc;

    use super::*;
    use crate::config::Config;
    use crate::session::record::Session;
    use crate::session::store::{Store, tests::session as sample};
    use gatekeeper_record::record::Record;
    use gatekeeper_record::session_id::SessionId;
    use gatekeeper_trail::trail::Trail;

    const DAY: Duration = Duration::from_hours(24);

    fn recorded(state: &Path, number: u64, days: u32) -> std::path::PathBuf {
        let path = cast::path(state, SessionId::from_kernel(number).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = File::create(&path).unwrap();
        file.set_modified(SystemTime::now() - days * DAY - Duration::from_secs(9)).unwrap();
        path
    }

    #[tokio::test]
    async fn old_recordings_go_on_record_first_and_open_sessions_keep_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        let mut config = Config { state: state.to_owned(), ..Config::default() };
        config.trail.keep_age = 7 * DAY;
        let (store, trail) =
            (Store::open(state).unwrap(), Trail::open(&config.trail_settings(), "b").unwrap());
        let daemon =
            State::new(config, "b".into(), Err("none here".into()), store, trail, mpsc::channel(1).0)
                .unwrap();
        // There are none yet.
        prune(&daemon);
        let [old, open, young] =
            [(1, 7), (2, 90), (3, 6)].map(|(number, days)| recorded(state, number, days));
        let session = Session { id: SessionId::from_kernel(2).unwrap(), ..sample() };
        daemon.sessions_mut().insert(session.id, session);
        let foreign = state.join(cast::FOLDER).join("notes.txt");
        fs::write(&foreign, "").unwrap();
        File::open(&foreign).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        for _ in 0..2 {
            prune(&daemon);
            assert_eq!([&old, &open, &young, &foreign].map(|path| path.exists()), [false, true, true, true]);
        }
        let (past, _) = daemon.trail().feed().read(99, |record| {
            matches!(record, Record::Trail(change) if change.change == Upkeep::Removed && change.note.contains("the recording of session"))
        });
        assert_eq!(past.len(), 1);
    }
}
