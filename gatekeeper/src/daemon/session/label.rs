//! Labelling a cgroup that is already there, with all that runs in it, and with no gap.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tracing::error;

use super::establish::{compile, establish, new_id};
use super::open::owner;
use super::request::{check_words, check_workspace};
use crate::daemon::state::State;
use crate::protocol::messages::LabelCgroup;
use crate::protocol::summary::Kind;
use crate::session::cgroup;
use crate::session::layers::{Requester, choose};
use crate::session::policy::Variables;
use crate::session::record::Session;
use crate::sys::passwd;
use gatekeeper_record::container::Container;
use gatekeeper_record::record::Change;
use gatekeeper_record::refusal::{Reason, Refusal, refuse};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

/// Time that the kernel has to stop everything in the cgroup.
const FREEZING: Duration = Duration::from_secs(10);
/// Interval between looks at it meanwhile.
const LOOK: Duration = Duration::from_millis(5);
/// Visits to all tasks until one finds nobody new; frozen tasks can't fork, so two are the rule.
const VISITS: usize = 16;

/// Labels the cgroup; the session and how many processes it took in.
///
/// # Errors
/// Where the kernel would not enforce, the request is malformed, the policy is refused, or the cgroup can't be frozen
/// or labelled.
pub async fn label(daemon: &State, request: LabelCgroup) -> Result<(SessionId, u64), Refusal> {
    daemon.ready()?;
    check_words(None, request.purpose.as_deref())?;
    let folder = check_cgroup(daemon, &request.cgroup)?;
    let user = request.user.unwrap_or_else(|| "root".to_owned());
    let wanted = user.clone();
    let entry = tokio::task::spawn_blocking(move || passwd::by_name(&wanted)).await;
    let entry = entry.map_err(refuse(Reason::Failed))?.map_err(refuse(Reason::Failed))?;
    let entry =
        entry.ok_or_else(|| Refusal::new(Reason::Malformed, format!("there is no user \"{user}\"")))?;
    let owner = owner(entry)?;
    check_workspace(&request.workspace, &owner.home)?;

    let id = new_id(daemon)?;
    let variables = Variables { workspace: request.workspace.clone(), owner: owner.clone(), session: id };
    let asked = request.policy.asked().to_owned();
    let choices = choose(daemon.config(), Requester::Root, Some(request.policy));
    let compiled = daemon.record_refused(owner.uid, &asked, compile(daemon, 0, choices, variables).await)?;

    let freezer = Freezer::freeze(&folder).await?;
    daemon.ready()?;
    check_cgroup(daemon, &folder)?;
    let draft = Session {
        id,
        name: None,
        purpose: request.purpose,
        command: Vec::new(),
        owner,
        workspace: request.workspace,
        kind: Kind::Label,
        cgroup: folder.clone(),
        cgroup_id: 0,
        // Its processes may see several; rules see the paths of each.
        namespace: None,
        container: Container::of(&folder),
        parent: None,
        opened: Moment::now(),
        ends: None,
        expired: false,
        boot: daemon.boot().to_owned(),
        inherited: Vec::new(),
        own: Vec::new(),
    };
    let session = establish(daemon, draft, compiled, false)?;
    daemon.record_change(&session, Change::Opened, None);
    let labelled = take_in_all(daemon);
    drop(freezer);
    match labelled {
        Ok(count) => Ok((id, count)),
        // Those who got the label keep it, and whoever enters gets it: half bound is safer than unbound.
        Err(refusal) => Err(Refusal {
            message: format!(
                "session {id} is open on {}, and not all that ran there may be bound: {}",
                folder.display(),
                refusal.message
            ),
            ..refusal
        }
        .help("end what runs in the cgroup, or label it again")),
    }
}

fn take_in_all(daemon: &State) -> Result<u64, Refusal> {
    let mut count = 0;
    for _ in 0..VISITS {
        let fresh = daemon.with_kernel(|kernel| kernel.census())?.fresh;
        if fresh == 0 {
            return Ok(count);
        }
        count += fresh;
    }
    Err(Refusal::new(Reason::Failed, "new processes kept appearing in the frozen cgroup"))
}

/// The folder without links and dots, if it may be labelled.
fn check_cgroup(daemon: &State, folder: &Path) -> Result<PathBuf, Refusal> {
    let malformed = |message: String| Err(Refusal::new(Reason::Malformed, message));
    let real = folder
        .canonicalize()
        .map_err(|error| Refusal::new(Reason::Malformed, format!("{}: {error}", folder.display())))?;
    let id = cgroup::id(&real).map_err(refuse(Reason::Malformed))?;
    let root = std::fs::metadata(cgroup::ROOT).map_err(refuse(Reason::Failed))?;
    if root.ino() == id {
        return malformed(
            "the root cgroup can't be labelled: everything would be bound, this daemon too".into(),
        );
    }
    if real.starts_with(&daemon.config().cgroup) {
        return malformed(format!("{} belongs to gatekeeper's own sessions", real.display()));
    }
    if crate::session::cgroup::is_below(std::process::id().cast_signed(), &real)
        .map_err(refuse(Reason::Failed))?
    {
        return malformed(format!("this daemon runs in {}: it must not bind itself", real.display()));
    }
    if daemon.sessions().values().any(|session| session.cgroup_id == id) {
        return malformed(format!("{} is labelled already", real.display()));
    }
    Ok(real)
}

/// A cgroup in which nothing runs. Thaws when dropped, whatever happened meanwhile.
struct Freezer<'a>(&'a Path);

impl<'a> Freezer<'a> {
    async fn freeze(folder: &'a Path) -> Result<Self, Refusal> {
        let failed = |error: std::io::Error| {
            Refusal::new(Reason::Failed, format!("freezing {}: {error}", folder.display()))
        };
        cgroup::freeze(folder, true).map_err(failed)?;
        let freezer = Self(folder);
        let begun = Instant::now();
        while begun.elapsed() < FREEZING {
            match cgroup::state(folder).map_err(failed)? {
                None => return Err(Refusal::new(Reason::Failed, format!("{} is gone", folder.display()))),
                // The kernel calls an empty cgroup frozen too.
                Some(state) if state.frozen => return Ok(freezer),
                Some(_) => tokio::time::sleep(LOOK).await,
            }
        }
        let message = format!("{} did not freeze within {} s", folder.display(), FREEZING.as_secs());
        Err(Refusal::new(Reason::Failed, message)
            .help("a task in it hangs in the kernel: see its /proc/PID/stack"))
    }
}

impl Drop for Freezer<'_> {
    fn drop(&mut self) {
        if let Err(error) = cgroup::freeze(self.0, false) {
            error!("{} stays frozen: {error}", self.0.display());
        }
    }
}
