//! Sessions, policies, hooks, the daemon and the trail itself.

use super::actor::{Actor, Container, Session, User};
use super::base::{Class, Machine, Place, product};
use super::event::{self, severity_id};
use super::integrity::Product;
use super::line::Line;
use super::objects::{Entity, Feature};
use super::text::Text;
use super::unmapped::Kind;
use gatekeeper_record::decision::{DecidedBy, Decision};
use gatekeeper_record::record::{
    Change, DaemonChange, HookChange, Lost, PolicyRefused, SessionChange, TrailChange, Upkeep,
};
use gatekeeper_record::time::Moment;

/// Entity Management.
const ENTITY: u16 = 3004;
/// Application Lifecycle.
const APPLICATION: u16 = 6002;
/// Event Log Activity.
const EVENT_LOG: u16 = 1008;

fn owner(uid: u32, name: Option<&str>) -> User<'_> {
    User { name: name.map(Text::from), uid: uid.to_string().into() }
}

/// A session was opened, changed or ended.
pub fn session<'a>(change: &'a SessionChange, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let (activity, name, words, success) = match change.change {
        Change::Opened => (1, "Create", "opened", true),
        Change::Reloaded => (3, "Update", "got new policies", true),
        Change::ReloadFailed => (3, "Update", "keeps its policies", false),
        Change::Expired => (11, "Deactivate", "is at the end of its time", true),
        Change::Ended => (4, "Delete", "ended", true),
        Change::Recorded => (3, "Update", "was recorded", true),
    };
    let class = Class {
        uid: ENTITY,
        activity,
        name: name.into(),
        message: format!("session {} {words} ({})", change.session, change.policies.join(" + ")),
        time: change.time,
        success,
        severity: if success { 1 } else { 3 },
        kind: Kind::Session,
    };
    let mut line = Line::base(class, machine, place);
    line.actor = Some(Actor {
        app_name: None,
        process: None,
        session: Some(Session { uid: change.session }),
        user: Some(owner(change.owner, change.user.as_deref())),
    });
    line.entity = Some(Entity {
        name: change.session_name.as_deref().map(Text::from),
        kind: "Session".into(),
        type_id: 99,
        uid: Some(change.session.to_string().into()),
    });
    line.status_detail = change.note.as_deref().map(Text::from);
    let unmapped = &mut line.unmapped;
    unmapped.change = Some(change.change);
    unmapped.command = texts(&change.command);
    unmapped.container = change.container.as_ref().map(Container::of);
    unmapped.expires = change.expires;
    unmapped.parent = change.parent;
    unmapped.policies = texts(&change.policies);
    unmapped.purpose = change.purpose.as_deref().map(Text::from);
    unmapped.session_name = change.session_name.as_deref().map(Text::from);
    unmapped.workspace = change.workspace.as_deref().map(Text::from);
    line
}

fn texts(words: &[String]) -> Vec<Text<'_>> {
    words.iter().map(|word| Text::from(word.as_str())).collect()
}

/// A policy was asked for and refused.
pub fn refused<'a>(refused: &'a PolicyRefused, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let class = Class {
        uid: ENTITY,
        activity: 10,
        name: "Activate".into(),
        message: format!("policy {} refused", refused.policy),
        time: refused.time,
        success: false,
        severity: 2,
        kind: Kind::PolicyRefused,
    };
    let mut line = Line::base(class, machine, place);
    line.actor =
        Some(Actor { app_name: None, process: None, session: None, user: Some(owner(refused.owner, None)) });
    line.entity = Some(Entity {
        name: Some(refused.policy.as_str().into()),
        kind: "Policy".into(),
        type_id: 5,
        uid: None,
    });
    line.status_detail = Some(refused.reason.as_str().into());
    line
}

/// A hold was decided, or somebody had a say in it.
pub fn decision<'a>(decision: &'a Decision, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let (activity, name) = match (&decision.decided_by, decision.approved) {
        (DecidedBy::Withdrawn, _) => (99, "Lapse"),
        (_, true) => (8, "Approve"),
        (_, false) => (9, "Reject"),
    };
    let rule = decision.event.as_ref().and_then(|event| event.rule.as_ref());
    let class = Class {
        uid: ENTITY,
        activity,
        name: name.into(),
        message: decision.to_string(),
        time: decision.time,
        success: true,
        severity: rule.map_or(2, |rule| severity_id(rule.severity)),
        kind: Kind::Decision,
    };
    let mut line = Line::base(class, machine, place);
    let user = match &decision.decided_by {
        DecidedBy::Person(person) => Some(owner(person.uid, Some(&person.name))),
        _ => None,
    };
    line.actor = Some(Actor {
        // A person, or else gatekeeper itself.
        app_name: user.is_none().then(|| "gatekeeper".into()),
        process: None,
        session: decision.session.map(|uid| Session { uid }),
        user,
    });
    line.entity = Some(Entity {
        name: Some(decision.summary.as_str().into()),
        kind: "Hold".into(),
        type_id: 99,
        uid: Some(decision.hold.to_string().into()),
    });
    line.status_detail = decision.reason.as_deref().map(Text::from);
    line.unmapped.hold = Some(decision.hold);
    line.status_code = Some(decision.outcome().word().into());
    if let Some(event) = &decision.event {
        event::asked(&mut line, event);
    }
    if decision.is_final && decision.decided_by != DecidedBy::Withdrawn {
        let (action, action_id, disposition, disposition_id) =
            if decision.approved { ("Allowed", 1, "Approved", 8) } else { ("Denied", 2, "Blocked", 2) };
        (line.action, line.action_id) = (Some(action.into()), Some(action_id));
        (line.disposition, line.disposition_id) = (Some(disposition.into()), Some(disposition_id));
    }
    // What it is about stands beside it.
    line.unmapped.decision = Some(Box::new(Decision { event: None, ..decision.clone() }));
    line
}

/// The daemon started or stopped.
pub fn daemon<'a>(change: &'a DaemonChange, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let (activity, name, words) = match (change.started, &change.replaces) {
        (true, Some(before)) => (8, "Update", format!("started in place of {before}")),
        (true, None) => (3, "Start", "started".to_owned()),
        (false, _) => (4, "Stop", "stopped".to_owned()),
    };
    let class = Class {
        uid: APPLICATION,
        activity,
        name: name.into(),
        message: format!("gatekeeper {} {words}", change.version),
        time: change.time,
        success: change.failure.is_none(),
        severity: if change.failure.is_none() { 1 } else { 5 },
        kind: Kind::Daemon,
    };
    let mut line = Line::base(class, machine, place);
    line.app = Some(Product { version: change.version.as_str().into(), ..product() });
    line.unmapped.replaces = change.replaces.as_deref().map(Text::from);
    line.status_detail = change.failure.as_deref().map(Text::from);
    // A record brought over from another boot keeps its own.
    line.device.boot_uid = change.boot.as_str().into();
    line
}

/// A hook was proved live, or is not live any more.
pub fn hook<'a>(change: &'a HookChange, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let (activity, name, words) =
        if change.live { (6, "Enable", "is live") } else { (7, "Disable", "is not live") };
    let class = Class {
        uid: APPLICATION,
        activity,
        name: name.into(),
        message: format!("hook {} {words}", change.hook),
        time: change.time,
        success: change.live,
        severity: if change.live { 1 } else { 5 },
        kind: Kind::Hook,
    };
    let mut line = Line::base(class, machine, place);
    line.app = Some(Product { feature: Some(Feature { name: change.hook.as_str().into() }), ..product() });
    line.status_detail = change.reason.as_deref().map(Text::from);
    line
}

/// Events never arrived, or could not be written down.
pub fn lost<'a>(lost: &'a Lost, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let count = lost.families.values().sum::<u64>() + lost.unexplained + lost.unwritten;
    let mut line =
        log(format!("{count} events lost"), 99, "Lost", lost.time, (false, 4), Kind::Lost, machine, place);
    line.unmapped.lost.clone_from(&lost.families);
    line.unmapped.unexplained = Some(lost.unexplained);
    line.unmapped.unwritten = Some(lost.unwritten);
    line
}

/// Something happened to the trail itself.
pub fn trail<'a>(change: &'a TrailChange, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let (activity, name, severity) = match change.change {
        Upkeep::Created => (6, "Start", 1),
        Upkeep::Truncated => (8, "Restart", 3),
        Upkeep::SetAside => (99, "Set aside", 4),
        Upkeep::Removed => (2, "Delete", 1),
    };
    let success = !matches!(change.change, Upkeep::Truncated | Upkeep::SetAside);
    let words = format!("trail: {}", change.note);
    let mut line = log(words, activity, name, change.time, (success, severity), Kind::Trail, machine, place);
    line.status_detail = Some(change.note.as_str().into());
    line.unmapped.kept_from = change.kept_from;
    line.unmapped.trail_change = Some(change.change);
    line
}

/// A follower was too slow. Sent to that follower only, so it stands in no trail.
pub fn missed<'a>(count: u64, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let time = Moment::from_micros(0);
    let words = format!("{count} records missed");
    let mut line = log(words, 99, "Missed", time, (false, 1), Kind::Missed, machine, place);
    line.unmapped.missed = Some(count);
    line
}

#[expect(clippy::too_many_arguments, reason = "each is one field of the record")]
fn log<'a>(
    message: String,
    activity: u8,
    name: &'static str,
    time: Moment,
    (success, severity): (bool, u8),
    kind: Kind,
    machine: &'a Machine,
    place: &'a Place,
) -> Line<'a> {
    let name = name.into();
    let class = Class { uid: EVENT_LOG, activity, name, message, time, success, severity, kind };
    let mut line = Line::base(class, machine, place);
    line.log_name = Some(machine.origin.as_str().into());
    line
}
