//! Messages of the control socket: one request a connection, then lines of answer.
//!
//! JSON Lines both ways. The client sends one [`Envelope`]; the daemon sends [`Answer`]s, the last of
//! which is [`Answer::Done`] or [`Answer::Refused`], and closes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::bounds::{Count, Seconds};
use super::status::Status;
use super::summary::Summary;
use gatekeeper_record::decision::{Breadth, Decision, GrantScope, HoldId, Person};
use gatekeeper_record::held::Held;
use gatekeeper_record::hook_report::HookReport;
use gatekeeper_record::record::{self, PredictedDenial};
use gatekeeper_record::refusal::Refusal;
use gatekeeper_record::session_id::SessionId;

/// The version spoken here. A daemon refuses any other by name.
pub const PROTOCOL: u32 = 2;

/// Bytes of one request, the closing newline included: a policy file and what surrounds it. Ten thousand
/// rules take one megabyte; larger policies belong in the policy directories.
pub const REQUEST_BYTES: usize = 4 << 20;

/// A request, and the language it is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The request.
    pub request: Request,
}

/// A request to the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Open a session and take the caller into it.
    Run(Run),
    /// Label a cgroup that is already there, with all that runs in it.
    Label(LabelCgroup),
    /// The sessions that are open.
    Sessions {},
    /// Past records, and with `follow` new ones.
    Events(Events),
    /// The state of the daemon and the kernel side.
    Status {},
    /// Compile the policies of all sessions anew.
    Reload {},
    /// The report of an assistant's hook in a session.
    Hook(Box<Hook>),
    /// Record a session's terminal: after the answer the client sends its output.
    Record(Record),
    /// Holds that wait for a decision.
    Holds(Holds),
    /// Decide a hold.
    Decide(HoldAnswer),
    /// The last denials of the caller's own session, and why.
    Why {},
}

/// See [`Request::Record`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The session.
    pub session: SessionId,
    /// Columns of the terminal.
    pub columns: u16,
    /// Rows of the terminal.
    pub rows: u16,
    /// The kind of terminal, as in `TERM`.
    #[serde(default)]
    pub terminal: Option<String>,
}

/// See [`Request::Hook`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// The report.
    pub report: HookReport,
    /// The actions that a tool call would ask of the kernel, as far as they are known beforehand.
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// See [`Request::Holds`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    /// Go on as it happens.
    #[serde(default)]
    pub follow: bool,
    /// Only this one.
    #[serde(default)]
    pub hold: Option<HoldId>,
}

/// A person's answer to a hold: see [`Request::Decide`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldAnswer {
    /// The hold.
    pub hold: HoldId,
    /// Whether it may pass.
    pub approve: bool,
    /// The scope of an approval.
    #[serde(default)]
    pub scope: RequestedScope,
    /// The reason.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The operations that a client approves, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestedScope {
    /// The operations it covers.
    #[serde(default)]
    pub breadth: Breadth,
    /// Seconds that it holds; as long as the session where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<Seconds>,
}

impl From<RequestedScope> for GrantScope {
    fn from(scope: RequestedScope) -> Self {
        Self { breadth: scope.breadth, seconds: scope.seconds.map(Seconds::get) }
    }
}

/// See [`Request::Run`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The policy; the configured default where left out.
    #[serde(default)]
    pub policy: Option<PolicyChoice>,
    /// The value of `${workspace}`: absolute and free of symbolic links.
    pub workspace: PathBuf,
    /// The purpose of the session, for people.
    #[serde(default)]
    pub purpose: Option<String>,
    /// A short name, for people.
    #[serde(default)]
    pub name: Option<String>,
    /// Seconds until it is ended; as long as it may be where left out.
    #[serde(default)]
    pub seconds: Option<Seconds>,
    /// The command it is for, for the record.
    #[serde(default)]
    pub command: Vec<String>,
}

/// See [`Request::Label`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelCgroup {
    /// Folder of the cgroup.
    pub cgroup: PathBuf,
    /// The policy.
    pub policy: PolicyChoice,
    /// The user whose home and name the policy's variables mean; root's where left out.
    #[serde(default)]
    pub user: Option<String>,
    /// The value of `${workspace}`.
    pub workspace: PathBuf,
    /// The purpose of the session, for people.
    #[serde(default)]
    pub purpose: Option<String>,
}

/// The choice of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PolicyChoice {
    /// One of the policy directories', by name.
    Name(String),
    /// The caller's own, as text: the daemon opens no file on a user's behalf.
    Text {
        /// The caller's name for it, for messages.
        file: String,
        /// The text of the policy.
        text: String,
    },
}

impl PolicyChoice {
    /// The caller's name for it.
    #[must_use]
    pub fn asked(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Text { file, .. } => file,
        }
    }
}

/// See [`Request::Events`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Go on as it happens.
    #[serde(default)]
    pub follow: bool,
    /// Only of this session.
    #[serde(default)]
    pub session: Option<SessionId>,
    /// At most so many of the past, the latest.
    #[serde(default)]
    pub last: Option<Count>,
}

/// An answer of the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The session is open; after `run`, the caller is in it.
    Opened {
        /// The session.
        session: SessionId,
        /// Processes labelled, after `label`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        processes: Option<u64>,
    },
    /// One session.
    Session(Box<Summary>),
    /// One record.
    Record(Box<record::Record>),
    /// The end of past records; what follows happens now.
    Live,
    /// One hold that waits.
    Hold(Box<Held>),
    /// A change of a hold that was sent before. Its request never changes.
    Updated {
        /// Its number.
        hold: HoldId,
        /// The people who have approved so far.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approved_by: Vec<Person>,
        /// The denials of its flood, as in a hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flood_denied: Option<u64>,
    },
    /// A hold that was sent before waits no more.
    Closed {
        /// Its number.
        hold: HoldId,
    },
    /// The decision that an answer led to.
    Decided(Box<Decision>),
    /// The state of the daemon and the kernel side.
    Status(Box<Status>),
    /// The result of `reload` for one session's policies.
    Reloaded {
        /// The session.
        session: SessionId,
        /// The new generation, where they were replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        generation: Option<u64>,
        /// The reason that they were not; the old ones stay.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// A hook's report is written down; in no session, it is not.
    Reported {
        /// Whether the caller is in a session.
        in_session: bool,
        /// gatekeeper's number of the tool call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool_call_id: Option<String>,
        /// The denial that the policy predicts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        predicted_denial: Option<PredictedDenial>,
    },
    /// From here on the terminal is taken down.
    Recording,
    /// The end of the answers.
    Done,
    /// No, and nothing was done.
    Refused(Refusal),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Envelope, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn requests_keep_their_shape_on_the_wire() {
        let run = parse(
            r#"{"protocol":2,"request":{"verb":"run","policy":{"name":"base"},"workspace":"/home/dev/app"}}"#,
        )
        .unwrap();
        let Request::Run(run) = run.request else { panic!("not a run") };
        assert_eq!(run.policy, Some(PolicyChoice::Name("base".into())));
        let status = Envelope { protocol: PROTOCOL, request: Request::Status {} };
        assert_eq!(serde_json::to_string(&status).unwrap(), r#"{"protocol":2,"request":{"verb":"status"}}"#);
    }

    #[test]
    fn numbers_beyond_their_bounds_are_no_request() {
        for (request, help) in [
            (
                r#"{"verb":"decide","hold":1,"approve":true,"scope":{"breadth":"exact","seconds":NUMBER}}"#,
                "7 days",
            ),
            (r#"{"verb":"run","workspace":"/w","seconds":NUMBER}"#, "7 days"),
            (r#"{"verb":"events","last":NUMBER}"#, "from 0 to 1000000"),
        ] {
            let with = |number: u64| {
                let request = request.replace("NUMBER", &number.to_string());
                parse(&format!(r#"{{"protocol":2,"request":{request}}}"#))
            };
            assert!(with(1).is_ok() && with(604_800).is_ok(), "{request}");
            for number in [1_000_001, u64::MAX] {
                let error = with(number).unwrap_err().to_string();
                assert!(error.contains("out of range") && error.contains(help), "{error}");
            }
        }
    }

    #[test]
    fn unknown_keys_are_refused_not_skipped() {
        for text in [
            r#"{"protocol":2,"request":{"verb":"approve"}}"#,
            r#"{"protocol":2,"request":{"verb":"status","all":true}}"#,
            r#"{"protocol":2,"request":{"verb":"run","workspace":"/w","uid":0}}"#,
            r#"{"protocol":2,"request":{"verb":"status"},"as":"root"}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
