//! Single fields of a record that other formats need.

use serde::Deserialize;

use super::sink::SendError;

/// A few fields of a stored record.
#[derive(Debug, Deserialize)]
pub struct Fields {
    pub message: String,
    pub metadata: Metadata,
    #[cfg(feature = "export-otlp")]
    pub severity: String,
    pub severity_id: u8,
    pub time_dt: String,
    pub device: Device,
    #[serde(default)]
    actor: Option<Actor>,
    pub unmapped: Unmapped,
}

#[derive(Debug, Deserialize)]
pub struct Metadata {
    uid: String,
    log_name: String,
    pub sequence: u64,
}

#[derive(Debug, Deserialize)]
pub struct Device {
    pub hostname: String,
}

#[derive(Debug, Deserialize)]
struct Actor {
    #[serde(default)]
    session: Option<Session>,
}

#[derive(Debug, Deserialize)]
struct Session {
    uid: String,
}

#[derive(Debug, Deserialize)]
pub struct Unmapped {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub operation: Option<String>,
    #[serde(default)]
    pub verdict: Option<String>,
}

impl Fields {
    /// The record's name: the trail's, and its number there.
    pub fn name(&self) -> String {
        format!("{}/{}", self.metadata.log_name, self.metadata.uid)
    }

    /// Those of a line.
    pub fn of(line: &[u8]) -> Result<Self, SendError> {
        serde_json::from_slice(line)
            .map_err(|error| SendError::new(format!("a record of the trail: {error}")))
    }

    /// The session it is about.
    pub fn session(&self) -> Option<&str> {
        self.actor.as_ref()?.session.as_ref().map(|session| session.uid.as_str())
    }

    /// Returns the severity, as syslog counts it.
    pub fn priority(&self) -> u8 {
        match self.severity_id {
            5 => 2,
            4 => 3,
            3 => 4,
            2 => 5,
            _ => 6,
        }
    }
}
