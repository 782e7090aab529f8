//! What is said over the control socket: one request a connection, then lines of answer.
//!
//! JSON Lines both ways. The client sends one [`Envelope`]; the daemon sends [`Answer`]s, the last of
//! which is [`Answer::Done`] or [`Answer::Refused`], and closes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::status::Status;
use super::summary::Summary;
use gatekeeper_record::decision::{Decision, GrantScope, HoldId, Person};
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
    /// What is asked.
    pub request: Request,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Open a session and take the caller into it.
    Run(Run),
    /// Label a cgroup that is already there, with all that runs in it.
    Label(LabelCgroup),
    /// The sessions that are open.
    Sessions {},
    /// What happened, and with `follow` what happens from now on.
    Events(Events),
    /// How the daemon and the kernel side are.
    Status {},
    /// Compile the policies of all sessions anew.
    Reload {},
    /// What an assistant in a session tells through its hooks.
    Hook(Box<Hook>),
    /// Take down a session's terminal: after the answer the client tells what happens on it.
    Record(Record),
    /// What waits for a decision.
    Holds(Holds),
    /// Decide a hold.
    Decide(HoldAnswer),
    /// What the caller's own session was last refused, and why.
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
    /// What kind of terminal, as in `TERM`.
    #[serde(default)]
    pub terminal: Option<String>,
}

/// See [`Request::Hook`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// The report.
    pub report: HookReport,
    /// What a tool call would ask of the kernel, as far as that can be told beforehand.
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
    /// What an approval covers.
    #[serde(default)]
    pub scope: GrantScope,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// See [`Request::Run`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The policy; the configured default where left out.
    #[serde(default)]
    pub policy: Option<PolicyChoice>,
    /// What `${workspace}` means: absolute and free of symbolic links.
    pub workspace: PathBuf,
    /// What the session is for, for people.
    #[serde(default)]
    pub purpose: Option<String>,
    /// A short name, for people.
    #[serde(default)]
    pub name: Option<String>,
    /// Seconds until it is ended; as long as it may be where left out.
    #[serde(default)]
    pub seconds: Option<u64>,
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
    /// Whose home and name the policy's variables mean; root's where left out.
    #[serde(default)]
    pub user: Option<String>,
    /// What `${workspace}` means.
    pub workspace: PathBuf,
    /// What the session is for, for people.
    #[serde(default)]
    pub purpose: Option<String>,
}

/// Which policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PolicyChoice {
    /// One of the policy directories', by name.
    Name(String),
    /// The caller's own, as text: the daemon opens no file on a user's behalf.
    Text {
        /// What the caller calls it, for messages.
        file: String,
        /// What it says.
        text: String,
    },
}

impl PolicyChoice {
    /// What the caller calls it.
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
    pub last: Option<usize>,
}

/// What is answered.
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
    /// The past is told; what follows happens now.
    Live,
    /// One hold that waits.
    Hold(Box<Held>),
    /// Of a hold that was told of, people are shown something else now. What is asked never changes.
    Updated {
        /// Its number.
        hold: HoldId,
        /// Who has approved so far.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approved_by: Vec<Person>,
        /// As in a hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flood_denied: Option<u64>,
    },
    /// A hold that was told of waits no more.
    Closed {
        /// Its number.
        hold: HoldId,
    },
    /// What an answer came to.
    Decided(Box<Decision>),
    /// How things are.
    Status(Box<Status>),
    /// What became of one session's policies at `reload`.
    Reloaded {
        /// The session.
        session: SessionId,
        /// The new generation, where they were replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        generation: Option<u64>,
        /// Why they were not; the old ones hold on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// What an assistant told is written down; in no session, it is not.
    Reported {
        /// Whether the caller is in a session.
        in_session: bool,
        /// gatekeeper's number of the tool call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool_call_id: Option<String>,
        /// What the policy would refuse.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        predicted_denial: Option<PredictedDenial>,
    },
    /// From here on the terminal is taken down.
    Recording,
    /// All is told.
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
    fn what_is_unknown_is_refused_not_skipped() {
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
