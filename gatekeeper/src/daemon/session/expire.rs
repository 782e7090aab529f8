//! Sessions whose time is over: what runs in them is killed, and with its last task each ends as any other.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use tracing::{error, info};

use crate::daemon::state::State;
use crate::protocol::summary::Kind;
use crate::session::cgroup;
use crate::session::record::Session;
use crate::sys::process;
use gatekeeper_record::record::Change;
use gatekeeper_record::refusal::Refusal;
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::since_boot;

/// Kills what is left in sessions whose time is over, and says so on record before. Called again until nothing is left: a
/// task that hangs in the kernel dies late, and stays bound and listed so long.
pub fn expire(daemon: &State) {
    expire_at(daemon, since_boot());
}

fn expire_at(daemon: &State, now: Duration) {
    let over = over(daemon, now);
    for session in over.iter().filter(|session| !session.expired) {
        record_expiry(daemon, session.clone());
    }
    for session in &over {
        // A cgroup that is somebody else's has no end of ours.
        if session.kind == Kind::Run
            && let Err(error) = cgroup::kill(&session.cgroup)
        {
            error!("session {}: {}: {error}", session.id, session.cgroup.display());
        }
    }
    if !over.is_empty() {
        kill_strays(daemon, &over);
    }
}

/// The sessions whose time is over, outermost first: nothing is to see its child's session end, and go on to what comes
/// next.
fn over(daemon: &State, now: Duration) -> Vec<Session> {
    let sessions = daemon.sessions();
    let mut over: Vec<Session> = sessions.values().filter(|session| session.is_over(now)).cloned().collect();
    over.sort_by_key(|session| session.inherited.len());
    over
}

/// Puts it on record, once: the next daemon reads that it is there.
fn record_expiry(daemon: &State, session: Session) {
    info!("session {}: its time is over", session.id);
    daemon.record_change(&session, Change::Expired, None);
    let session = Session { expired: true, ..session };
    if let Err(error) = daemon.store().save(&session) {
        error!("{error}");
    }
    daemon.sessions_mut().insert(session.id, session);
}

/// Kills tasks that were moved to another cgroup, where they keep their label.
fn kill_strays(daemon: &State, over: &[Session]) {
    let census = match daemon.with_kernel(|kernel| kernel.census()) {
        Ok(census) => census,
        Err(error) => return error!("what left its session's cgroup is not killed yet: {error}"),
    };
    for session in over {
        for pid in census.processes.get(&session.id.number()).into_iter().flatten() {
            if let Err(error) = kill_stray(daemon, session.id, *pid) {
                error!("session {}: process {pid}: {error}", session.id);
            }
        }
    }
}

/// A process that could not be killed.
#[derive(Debug, thiserror::Error)]
enum StrayError {
    #[error(transparent)]
    Call(#[from] io::Error),
    #[error(transparent)]
    Label(#[from] Refusal),
}

fn kill_stray(daemon: &State, session: SessionId, pid: u32) -> Result<(), StrayError> {
    // The process may be gone; its number can't change its meaning while there is a handle on it.
    let Ok(handle) = process::open(pid.cast_signed()) else { return Ok(()) };
    let label = match daemon.label_of(handle.as_fd()) {
        Err(_) if !process::is_alive(handle.as_fd())? => return Ok(()),
        label => label?,
    };
    if label.is_some_and(|label| label.session == session.number()) {
        match process::signal(handle.as_fd(), process::Signal::KILL) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            result => result?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use tokio::sync::mpsc;

    use super::*;
    use crate::config::Config;
    use crate::daemon::session::adopt::adopt;
    use crate::session::record::{LayerRef, Owner};
    use crate::session::store::Store;
    use gatekeeper_record::record::Record;
    use gatekeeper_record::time::Moment;
    use gatekeeper_trail::trail::{Others, Trail};

    fn daemon(state: &Path) -> State {
        let config = Config { state: state.to_owned(), cgroup: state.join("cgroup"), ..Config::default() };
        let (store, trail) =
            (Store::open(state).unwrap(), Trail::open(&config.trail_settings(), "b").unwrap());
        State::new(config, "b".into(), Err("none here".into()), store, trail, mpsc::channel(1).0).unwrap()
    }

    /// A session on a folder with the cgroup files that these tests need.
    fn session(state: &Path, number: u64, ends: Option<u64>) -> Session {
        let id = SessionId::from_kernel(number).unwrap();
        let cgroup = state.join("cgroup").join(id.to_string());
        fs::create_dir_all(&cgroup).unwrap();
        fs::write(cgroup.join("cgroup.events"), "populated 1\n").unwrap();
        fs::write(cgroup.join("cgroup.kill"), "").unwrap();
        Session {
            id,
            name: None,
            purpose: None,
            owner: Owner { uid: 1000, name: "dev".into(), home: "/home/dev".into() },
            command: Vec::new(),
            workspace: "/home/dev/app".into(),
            kind: Kind::Run,
            cgroup,
            cgroup_id: 0,
            namespace: None,
            container: None,
            parent: None,
            opened: Moment::from_micros(0),
            ends,
            expired: false,
            boot: "b".into(),
            inherited: Vec::new(),
            own: Vec::new(),
        }
    }

    fn killed(session: &Session) -> bool {
        fs::read_to_string(session.cgroup.join("cgroup.kill")).unwrap() == "1"
    }

    fn expiry_records(daemon: &State, session: &Session) -> usize {
        let (past, _) = daemon.trail().feed().read(99, |record| {
            matches!(record, Record::Session(change) if change.session == session.id && change.change == Change::Expired)
        });
        past.len()
    }

    #[tokio::test]
    async fn a_session_over_is_recorded_once_and_killed_until_it_is_gone() {
        let state = tempfile::tempdir().unwrap();
        let daemon = daemon(state.path());
        let second = 1_000_000_000;
        let [over, later, endless] = [(1, Some(5 * second)), (2, Some(6 * second)), (3, None)]
            .map(|(number, ends)| session(state.path(), number, ends));
        for session in [&over, &later, &endless] {
            daemon.enroll(session.clone());
        }
        expire_at(&daemon, Duration::from_secs(4));
        assert_eq!((killed(&over), expiry_records(&daemon, &over)), (false, 0));
        expire_at(&daemon, Duration::from_secs(5));
        assert_eq!([&over, &later, &endless].map(killed), [true, false, false]);
        fs::write(over.cgroup.join("cgroup.kill"), "").unwrap();
        expire_at(&daemon, Duration::from_secs(5));
        assert_eq!(
            (killed(&over), expiry_records(&daemon, &over), expiry_records(&daemon, &later)),
            (true, 1, 0)
        );
        // Bound and listed as long as something is left.
        assert!(daemon.sessions().contains_key(&over.id));
    }

    #[tokio::test]
    async fn a_session_over_while_no_daemon_ran_is_ended_at_once() {
        let state = tempfile::tempdir().unwrap();
        let over = session(state.path(), 1, Some(1));
        daemon(state.path()).store().save(&over).unwrap();
        for round in 0..2 {
            fs::write(over.cgroup.join("cgroup.kill"), "").unwrap();
            let daemon = daemon(state.path());
            let found = daemon.store().load(&mut Vec::new()).unwrap();
            assert_eq!(found[0].expired, round == 1);
            adopt(&daemon, found, Others::Remove).unwrap();
            // The second daemon reads the same record from the trail, and no other.
            assert_eq!((killed(&over), expiry_records(&daemon, &over)), (true, 1));
        }
    }

    #[tokio::test]
    async fn the_outermost_is_killed_first() {
        let state = tempfile::tempdir().unwrap();
        let daemon = daemon(state.path());
        for (number, layers) in [(1, 2), (2, 0), (3, 1)] {
            let inherited = vec![LayerRef { slot: 0, serial: 1 }; layers];
            daemon.enroll(Session { inherited, ..session(state.path(), number, Some(1)) });
        }
        let order: Vec<u64> =
            over(&daemon, Duration::from_secs(1)).iter().map(|session| session.id.number()).collect();
        assert_eq!(order, [2, 3, 1]);
    }

    #[tokio::test]
    async fn nested_sessions_lead_to_the_outermost() {
        let state = tempfile::tempdir().unwrap();
        let daemon = daemon(state.path());
        let ids = [1, 2, 3, 4].map(|number| SessionId::from_kernel(number).unwrap());
        for (number, parent) in [(1, None), (2, Some(ids[0])), (3, Some(ids[1])), (4, None)] {
            daemon.enroll(Session { parent, ..session(state.path(), number, None) });
        }
        assert_eq!(ids.map(|id| daemon.outermost(id)), [ids[0], ids[0], ids[0], ids[3]]);
        let unknown = SessionId::from_kernel(9).unwrap();
        assert_eq!(daemon.outermost(unknown), unknown);
    }

    #[test]
    fn a_cgroup_that_is_gone_has_nothing_to_kill() {
        let state = tempfile::tempdir().unwrap();
        cgroup::kill(&state.path().join("gone")).unwrap();
        assert!(cgroup::kill(state.path()).is_err());
        assert!(!state.path().join("cgroup.kill").exists());
    }
}
