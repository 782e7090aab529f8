//! The object of an operation, and the rule that decided.

use serde::{Deserialize, Serialize};

use super::text::Text;
use gatekeeper_record::session_id::SessionId;

/// The assistant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent<'a> {
    /// The session.
    pub instance_uid: SessionId,
    /// The first program of the session, without its folder.
    pub name: Text<'a>,
    /// 99: another than those the schema lists.
    pub type_id: u8,
    /// The first program of the session, by its path.
    pub uid: Text<'a>,
}

/// The protocol of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection<'a> {
    /// 1 inbound, 2 outbound.
    pub direction_id: u8,
    /// The protocol's word.
    pub protocol_name: Text<'a>,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device<'a> {
    /// The kernel's id of the boot.
    pub boot_uid: Text<'a>,
    /// Its name.
    pub hostname: Text<'a>,
    /// 0: what kind of machine it is, is not known.
    pub type_id: u8,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint<'a> {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<Text<'a>>,
    /// A word for the missing address, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// A session or a policy as the thing managed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entity<'a> {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Its type, in a word.
    #[serde(rename = "type")]
    pub kind: Text<'a>,
    /// 5 a policy, 99 a session.
    pub type_id: u8,
    /// Its identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Text<'a>>,
}

/// A part of an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature<'a> {
    /// Its name.
    pub name: Text<'a>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File<'a> {
    /// The last part of its path.
    pub name: Text<'a>,
    /// Its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text<'a>>,
    /// 8 a program, 0 not known.
    pub type_id: u8,
    /// Device and inode number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Text<'a>>,
}

/// A part of the kernel that an operation is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelObject<'a> {
    /// The operation.
    pub name: Text<'a>,
    /// 2: a system call.
    pub type_id: u8,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Its generation.
    pub version: Text<'a>,
}

/// The rule that decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule<'a> {
    /// The reason, in the policy's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desc: Option<Text<'a>>,
    /// Its id.
    pub uid: Text<'a>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api<'a> {
    /// The tool, or the event's name.
    pub operation: Text<'a>,
    /// The assistant.
    pub service: Service<'a>,
}

/// A service that is called or talked with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service<'a> {
    /// Its name.
    pub name: Text<'a>,
}

/// A message between a person, a model and tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageContext<'a> {
    /// 1 a person, 2 the model, 3 a tool, 4 an agent.
    pub ai_role_id: u8,
    /// A prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_text: Option<Text<'a>>,
    /// An answer, or what a tool gave back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_text: Option<Text<'a>>,
    /// The assistant.
    pub service: Service<'a>,
    /// The assistant's own session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Text<'a>>,
}
