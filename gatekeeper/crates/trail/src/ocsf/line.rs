//! The whole of a stored record.

use serde::{Deserialize, Serialize};

use super::actor::{Actor, Process};
use super::integrity::{Attestation, Metadata, Product};
use super::objects::{
    Agent, Api, Connection, Device, Endpoint, Entity, File, KernelObject, MessageContext, Policy, Rule,
};
use super::text::Text;
use super::unmapped::Unmapped;

/// The schema's version.
pub const VERSION: &str = "1.9.0";

/// The version of the trail's own form, among it the names in `unmapped`. Records of version 1 have none.
pub const LOG_VERSION: &str = "2";

/// One record as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line<'a> {
    /// The action of the control, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Text<'a>>,
    /// 1 allowed, 2 denied, 3 observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_id: Option<u8>,
    /// The activity, as the class numbers it.
    pub activity_id: u8,
    /// The same in words.
    pub activity_name: Text<'a>,
    /// The actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor<'a>>,
    /// The assistant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ai_agent: Option<Agent<'a>>,
    /// The tool that an assistant calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Api<'a>>,
    /// The application, where the record is about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<Product<'a>>,
    /// The place of the record in the chain.
    pub attestation_list: [Attestation<'a>; 1],
    /// The class's category.
    pub category_uid: u8,
    /// The class.
    pub class_uid: u16,
    /// The protocol of a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_info: Option<Connection<'a>>,
    /// The machine.
    pub device: Device<'a>,
    /// The outcome, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Text<'a>>,
    /// 1 allowed, 2 blocked, 17 logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition_id: Option<u8>,
    /// The address connected or sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst_endpoint: Option<Endpoint<'a>>,
    /// The session or policy, where the record is about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity<'a>>,
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<File<'a>>,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firewall_rule: Option<Rule<'a>>,
    /// Whether somebody should look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_alert: Option<bool>,
    /// The part of the kernel that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<KernelObject<'a>>,
    /// The trail's name, where the record is about the trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_name: Option<Text<'a>>,
    /// All of it in a few words.
    pub message: Text<'a>,
    /// The message between a person, an assistant and its tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_context: Option<MessageContext<'a>>,
    /// Of the record itself.
    pub metadata: Metadata<'a>,
    /// The policy that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy<'a>>,
    /// The process started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process<'a>>,
    /// The severity, in words.
    pub severity: Text<'a>,
    /// The same from 1 to 5.
    pub severity_id: u8,
    /// The address bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_endpoint: Option<Endpoint<'a>>,
    /// Success or failure.
    pub status: Text<'a>,
    /// The cause, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<Text<'a>>,
    /// The reason, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_detail: Option<Text<'a>>,
    /// 1 success, 2 failure.
    pub status_id: u8,
    /// Milliseconds since 1970.
    pub time: i64,
    /// The same to the microsecond.
    pub time_dt: gatekeeper_record::time::Moment,
    /// Class and activity.
    pub type_uid: u32,
    /// The facts that the schema has no attribute for.
    pub unmapped: Unmapped<'a>,
}
