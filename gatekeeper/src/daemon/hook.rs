//! Reports of an assistant's hooks in a session: written down, and answered with the verdict of the policy. Only the
//! kernel enforces; here an assistant learns of a denial before it tries.

use std::collections::BTreeMap;

use gatekeeper_common::label::Label;
use gatekeeper_common::verdict::{Cause, Verdict};

use crate::assistant::Assistant;
use crate::daemon::state::State;
use crate::protocol::action::{ACTIONS, Action, BYTES};
use crate::protocol::messages::{Answer, Hook};
use crate::protocol::peer::Peer;
use crate::session::cgroup;
use crate::session::rate::Quota;
use crate::session::record::{Session, layers_of};
use gatekeeper_record::hook_report::{HINTS, HookReport, ReportKind, WORD};
use gatekeeper_record::record::{AssistantReport, PredictedDenial};
use gatekeeper_record::refusal::refuse;
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_record::time::{nanos, since_boot};

/// The answer to a hook's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    /// The caller is in no session: none of ours to write down or to answer.
    Outside,
    /// A report that is on record.
    Written {
        /// gatekeeper's number of the tool call.
        call: Option<String>,
        /// The first action that the policy would refuse.
        refused: Option<PredictedDenial>,
    },
}

impl From<HookOutcome> for Answer {
    fn from(outcome: HookOutcome) -> Self {
        match outcome {
            HookOutcome::Outside => {
                Self::Reported { in_session: false, tool_call_id: None, predicted_denial: None }
            }
            HookOutcome::Written { call, refused } => {
                Self::Reported { in_session: true, tool_call_id: call, predicted_denial: refused }
            }
        }
    }
}

/// Receives a hook's report from a peer and puts it on record.
///
/// # Errors
/// Where the caller is gone, its session is unknown, or the report is too long or comes too soon.
pub async fn receive(daemon: &State, peer: &Peer, hook: Hook) -> Result<HookOutcome, Refusal> {
    let Some(label) = daemon.label_of(peer.pidfd())? else { return Ok(HookOutcome::Outside) };
    let session = SessionId::from_kernel(label.session).ok_or_else(unknown)?;
    let Hook { mut report, actions } = hook;
    check(&mut report, &actions)?;
    let now = since_boot();
    match daemon.report_quotas().take(session, report.assistant, report.size(), now) {
        Quota::Whole => {}
        Quota::Short => report.empty(),
        Quota::No => {
            let message = "too many hooks in too short a time; this one is counted and not written down";
            return Err(Refusal::new(Reason::Limit, message));
        }
    }
    let no = if actions.is_empty() { None } else { foresee(daemon, &label, &actions).await? };
    let (refused, generation) = no.unzip();
    // Earlier events come before it in the record.
    daemon.freshen().await;
    if !peer.still_there().map_err(refuse(Reason::Failed))? {
        return Err(Refusal::new(Reason::Failed, "the caller is gone"));
    }
    let (record, folder) = {
        let sessions = daemon.sessions();
        let known = sessions.get(&session).ok_or_else(unknown)?;
        let boot_time = nanos(since_boot());
        let time = Moment::now();
        let record = assistant_report(&sessions, known, time, boot_time, report);
        let record = match &refused {
            None => record,
            Some(no) => AssistantReport {
                policy: Some(no.policy.clone()),
                generation,
                predicted_denial: refused.clone(),
                ..record
            },
        };
        (record, known.cgroup.clone())
    };
    let inside = |pid: u32| cgroup::is_below(pid.cast_signed(), &folder).unwrap_or(false);
    let call = daemon.trail_mut().assistant_report(record, peer.pid.cast_unsigned(), inside);
    Ok(HookOutcome::Written { call, refused })
}

fn unknown() -> Refusal {
    Refusal::new(Reason::Failed, "the caller is bound to a session that this daemon does not know")
}

/// Checks the limits of a report. The command line keeps to them; other clients may not.
fn check(report: &mut HookReport, actions: &[Action]) -> Result<(), Refusal> {
    let mut fits = report.hints.len() <= HINTS && report.hints.keys().all(|name| name.len() <= WORD);
    report.each(|text, most| fits &= text.len() <= most);
    fits &= actions.len() <= ACTIONS && actions.iter().map(Action::size).sum::<usize>() <= BYTES;
    // A number that JSON's readers can hold.
    fits &= report.truncated_bytes < 1 << 50;
    if fits {
        return Ok(());
    }
    Err(Refusal::new(Reason::Malformed, "the hook tells more than is taken")
        .help("use the gatekeeper command that came with the daemon: it cuts what is too long"))
}

/// The record of a hook's report, with all that is known of the session.
fn assistant_report(
    sessions: &BTreeMap<SessionId, Session>,
    known: &Session,
    time: Moment,
    boot_time: u64,
    report: HookReport,
) -> AssistantReport {
    let (policy, generation) = innermost(sessions, known).unzip();
    AssistantReport {
        time,
        boot_time,
        session: known.id,
        session_name: known.name.clone(),
        owner: known.owner.uid,
        purpose: known.purpose.clone(),
        policy,
        generation,
        tool_call_id: None,
        predicted_denial: None,
        reported_by: Vec::new(),
        dropped: 0,
        report,
    }
}

/// The innermost policy of a session with its generation; one without its own is bound by those around it.
fn innermost(sessions: &BTreeMap<SessionId, Session>, known: &Session) -> Option<(String, u64)> {
    let layer = known.own.last().map(|own| own.layer).or(known.inherited.last().copied())?;
    let mut all = sessions.values().chain([known]).flat_map(|session| &session.own);
    all.find(|own| own.layer == layer).map(|own| (own.policy.clone(), own.generation))
}

/// The first of the actions that a layer of the session's policy denies, with the policy's generation.
async fn foresee(
    daemon: &State,
    label: &Label,
    actions: &[Action],
) -> Result<Option<(PredictedDenial, u64)>, Refusal> {
    let mut judges = Vec::new();
    for layer in layers_of(label) {
        // A layer that can't be compiled again leaves all to the kernel.
        judges.extend(daemon.policies().of(daemon, *layer).await);
    }
    for action in actions {
        let question = action.question();
        for (judge, generation) in &judges {
            if let Some(refused) = predicted_denial(judge, action, &question) {
                return Ok(Some((refused, *generation)));
            }
        }
    }
    Ok(None)
}

/// Whether a policy denies it. What it asks about is held by the kernel, and not refused beforehand.
fn predicted_denial(
    policy: &gatekeeper_policy::Compiled,
    action: &Action,
    question: &gatekeeper_policy::question::Question,
) -> Option<PredictedDenial> {
    let explained = policy.explain(question);
    if explained.verdict != Verdict::Deny {
        return None;
    }
    let why = match (explained.rule.and_then(|rule| rule.reason.as_deref()), explained.cause) {
        (Some(reason), _) => reason,
        (None, Cause::Policy) if explained.rule.is_some() => "by rule",
        (None, Cause::Policy) => "no matching rule (default: deny)",
        (None, cause) => cause.text(),
    };
    let (operation, object) = (explained.operation.name(), action.object());
    Some(PredictedDenial {
        reason: format!(
            "the policy \"{}\" of this session denies {operation} {object}: {why}. The kernel refuses it however it is tried.",
            policy.name
        ),
        policy: policy.name.clone(),
        rule: explained.rule.map(|rule| rule.id.clone()),
    })
}

/// Puts on record how many reports were dropped, session by session.
pub fn settle(daemon: &State) {
    let dropped = daemon.report_quotas().take_dropped();
    for (session, assistant, count) in dropped {
        let Some(record) = dropped_report(daemon, session, assistant, count) else { continue };
        daemon.trail_mut().assistant_report(record, 0, |_| false);
    }
}

fn dropped_report(
    daemon: &State,
    session: SessionId,
    assistant: Assistant,
    dropped: u64,
) -> Option<AssistantReport> {
    let sessions = daemon.sessions();
    let known = sessions.get(&session)?;
    let time = Moment::now();
    let boot_time = nanos(since_boot());
    let report = HookReport::of(assistant, ReportKind::Other, "dropped");
    Some(AssistantReport { dropped, ..assistant_report(&sessions, known, time, boot_time, report) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::action::Access;
    use gatekeeper_policy::testing::compile;

    #[test]
    fn only_what_the_policy_denies_is_refused_beforehand() {
        let policy = compile(
            "version = 1\nname = 't'\n[[exec]]\nverdict = 'allow'\nprogram = ['/bin/git']\n\
             [[exec]]\nid = 'ask'\nverdict = 'ask'\nprogram = ['/bin/push']\n\
             [[file]]\nid = 's'\nverdict = 'deny'\npath = ['/home/x/.env']\nreason = 'secrets'\n",
        )
        .unwrap();
        let start = |program: &str| Action::Exec { program: program.into(), argv: vec![], env: vec![] };
        let explained = |action: &Action| predicted_denial(&policy, action, &action.question());
        assert_eq!(explained(&start("/bin/git")), None);
        assert_eq!(explained(&start("/bin/push")), None);
        let curl = explained(&start("/usr/bin/curl")).unwrap();
        assert!(
            curl.reason.contains("denies exec /usr/bin/curl: no matching rule (default: deny)"),
            "{curl:?}"
        );
        assert_eq!((curl.policy.as_str(), curl.rule), ("t", None));
        let secret = explained(&Action::File { path: "/home/x/.env".into(), access: Access::Read }).unwrap();
        assert!(secret.reason.contains("read /home/x/.env: secrets."), "{secret:?}");
        assert_eq!(secret.rule.as_deref(), Some("t/s"));
    }

    #[test]
    fn a_report_carries_purpose_and_policy() {
        use crate::session::store::tests::session as sample;
        let record = |all: &BTreeMap<SessionId, Session>, known: &Session| {
            let report = HookReport::of(Assistant::Codex, ReportKind::Prompt, "x");
            let record = assistant_report(all, known, Moment::from_micros(1), 2, report);
            (record.purpose, record.policy, record.generation)
        };
        let mut outer = Session { purpose: Some("help the build".into()), ..sample() };
        let floor = crate::session::record::LayerRef { slot: 1, serial: 2 };
        let own =
            crate::session::record::OwnLayer { layer: floor, policy: "base".into(), ..outer.own[0].clone() };
        outer.own.insert(0, own);
        outer.own[1].generation = 4;
        let inner = Session {
            id: SessionId::from_kernel(4243).unwrap(),
            inherited: outer.own.iter().map(|own| own.layer).collect(),
            own: Vec::new(),
            ..sample()
        };
        let mut all = BTreeMap::from([(inner.id, inner.clone())]);
        // The session around is gone: its policy's name is not known any more.
        assert_eq!(record(&all, &inner), (None, None, None));
        all.insert(outer.id, outer.clone());
        assert_eq!(record(&all, &inner), (None, Some("mine".into()), Some(4)));
        assert_eq!(record(&all, &outer), (Some("help the build".into()), Some("mine".into()), Some(4)));
    }

    #[test]
    fn more_than_is_taken_is_refused() {
        use gatekeeper_record::hook_report::TEXT;
        let mut report = HookReport::of(Assistant::Codex, ReportKind::ToolCall, "PreToolUse");
        report.input = Some("x".repeat(TEXT));
        assert!(check(&mut report, &[]).is_ok());
        report.output = Some("x".repeat(TEXT + 1));
        assert!(check(&mut report, &[]).is_err());
        report.shorten();
        assert_eq!((report.truncated_bytes, check(&mut report, &[]).is_ok()), (1, true));
        let file = Action::File { path: "x".repeat(BYTES), access: Access::Read };
        assert!(check(&mut report, std::slice::from_ref(&file)).is_ok());
        assert!(check(&mut report, &[file.clone(), file]).is_err());
        report.truncated_bytes = u64::MAX;
        assert!(check(&mut report, &[]).is_err());
    }
}
