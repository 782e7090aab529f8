//! The facts that the schema has no attribute for.

use std::collections::BTreeMap;

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::actor::{Container, Process, ProcessEntity};
use super::objects::{Endpoint, File};
use super::text::Text;
use gatekeeper_record::decision::{Decision, HoldId};
use gatekeeper_record::record::{Change, FamilyName, ToolLink, Upkeep};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

/// The kind of a record, as [`gatekeeper_record::record::Record`] names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// See [`gatekeeper_record::record::Record::Event`].
    Event,
    /// See [`gatekeeper_record::record::Record::Lost`].
    Lost,
    /// See [`gatekeeper_record::record::Record::Session`].
    Session,
    /// See [`gatekeeper_record::record::Record::Daemon`].
    Daemon,
    /// See [`gatekeeper_record::record::Record::PolicyRefused`].
    #[serde(alias = "refused")]
    PolicyRefused,
    /// See [`gatekeeper_record::record::Record::Hook`].
    Hook,
    /// See [`gatekeeper_record::record::Record::Trail`].
    Trail,
    /// See [`gatekeeper_record::record::Record::AssistantReport`].
    #[serde(alias = "told")]
    AssistantReport,
    /// See [`gatekeeper_record::record::Record::Missed`].
    Missed,
    /// See [`gatekeeper_record::record::Record::Decision`].
    Decision,
}

/// The facts that the schema has no attribute for; `type` says which of the other fields there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unmapped<'a> {
    /// An assistant's report, except for what stands elsewhere in the line.
    #[serde(default, alias = "told", skip_serializing_if = "Option::is_none")]
    pub assistant_report: Option<serde_json::Value>,
    /// Nanoseconds since boot, on the kernel's clock: as text, for JSON's numbers end after 104 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_time: Option<Text<'a>>,
    /// The change in a session's life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The command a session was opened for, as the caller gave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<Text<'a>>,
    /// The container a session is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container<'a>>,
    /// The decision on a hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Box<Decision>>,
    /// A number some operations need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<u32>,
    /// An address, in classes that have no place for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint<'a>>,
    /// The kernel's number of the event, in its boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<u64>,
    /// The time at which a session is ended at the latest.
    #[serde(default, alias = "ends", skip_serializing_if = "Option::is_none")]
    pub expires: Option<Moment>,
    /// A file, in classes that have no place for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<File<'a>>,
    /// Generation of the policy that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The time since which the operation that a decision is about waited.
    #[serde(default, alias = "since", skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Moment>,
    /// The hold that an event announces or follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// The reason why people were asked about what a decision is about.
    #[serde(default, alias = "why", skip_serializing_if = "Option::is_none")]
    pub hold_reason: Option<Text<'a>>,
    /// After a removal of the oldest records: the first that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_from: Option<u64>,
    /// The layer that decided, counted from the outermost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u8>,
    /// Events lost, by family.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<FamilyName, u64>,
    /// Records a follower missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
    /// The object of an event, where that is no file and no address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<serde_json::Value>,
    /// The operation that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional::operation")]
    pub operation: Option<Operation>,
    /// The session around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SessionId>,
    /// Whether the operation passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// The path's bytes, where they are no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<Text<'a>>,
    /// A session's policies with their generations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Text<'a>>,
    /// The process that asked for what a decision is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Box<Process<'a>>>,
    /// The protocol of an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Text<'a>>,
    /// The session's purpose, as given when it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Text<'a>>,
    /// That the operation could pass only if recorded.
    #[serde(default, alias = "required", skip_serializing_if = "Option::is_none")]
    pub record_required: Option<bool>,
    /// The version that ran before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Text<'a>>,
    /// The process that sent the report, and those it descends from in the session.
    #[serde(default, alias = "tellers", skip_serializing_if = "Vec::is_empty")]
    pub reported_by: Vec<ProcessEntity<'a>>,
    /// The session's short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<Text<'a>>,
    /// The rule's tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Text<'a>>,
    /// The tool call an event belongs to.
    #[serde(default, alias = "tool", skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolLink>,
    /// A change to the trail itself.
    #[serde(default, alias = "upkeep", skip_serializing_if = "Option::is_none")]
    pub trail_change: Option<Upkeep>,
    /// The kind of record.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Missing numbers that no counter explains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unexplained: Option<u64>,
    /// Records that could not be written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwritten: Option<u64>,
    /// The verdict of the rules.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional::verdict")]
    pub verdict: Option<Verdict>,
    /// The value of `${workspace}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Text<'a>>,
    /// The path from the workspace.
    #[serde(default, alias = "in_workspace", skip_serializing_if = "Option::is_none")]
    pub workspace_path: Option<Text<'a>>,
}

impl Unmapped<'_> {
    /// Nothing but the kind.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self {
            assistant_report: None,
            boot_time: None,
            change: None,
            command: Vec::new(),
            container: None,
            decision: None,
            detail: None,
            endpoint: None,
            event: None,
            expires: None,
            file: None,
            generation: None,
            held_since: None,
            hold: None,
            hold_reason: None,
            kept_from: None,
            layer: None,
            lost: BTreeMap::new(),
            missed: None,
            object: None,
            operation: None,
            parent: None,
            passed: None,
            path_hex: None,
            policies: Vec::new(),
            process: None,
            protocol: None,
            purpose: None,
            record_required: None,
            replaces: None,
            reported_by: Vec::new(),
            session_name: None,
            tags: Vec::new(),
            tool_call: None,
            trail_change: None,
            kind,
            unexplained: None,
            unwritten: None,
            verdict: None,
            workspace: None,
            workspace_path: None,
        }
    }
}

/// The common crate's enums where they may be absent.
mod optional {
    macro_rules! optional {
        ($module:ident, $kind:ty) => {
            pub mod $module {
                use serde::{Deserializer, Serializer};

                #[expect(clippy::ref_option, reason = "serde's signature")]
                pub fn serialize<S: Serializer>(
                    value: &Option<$kind>,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    match value {
                        Some(value) => gatekeeper_record::words::$module::serialize(value, serializer),
                        None => serializer.serialize_none(),
                    }
                }

                pub fn deserialize<'de, D: Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Option<$kind>, D::Error> {
                    gatekeeper_record::words::$module::deserialize(deserializer).map(Some)
                }
            }
        };
    }
    optional!(operation, super::super::Operation);
    optional!(verdict, super::super::Verdict);
}
