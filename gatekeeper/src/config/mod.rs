//! `gatekeeper.toml`: where things lie, and which policies hold for everybody.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use document::Document;
pub use error::ConfigError;
use gatekeeper_trail::export::setting::Export;
use gatekeeper_trail::log::writer::Options;
use gatekeeper_trail::setting::Fault;
use gatekeeper_trail::trail;

pub mod checks;
mod document;
mod error;
pub mod notify;
#[cfg(test)]
mod tests;

/// The default path of the configuration.
pub const PATH: &str = "/etc/gatekeeper/gatekeeper.toml";

/// Events kept in memory for `gatekeeper events`, at most.
pub const EVENTS_IN_MEMORY: u32 = 1_000_000;

/// The configuration, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from; none for the defaults.
    pub file: Option<PathBuf>,
    /// Directories searched for a policy by name, in this order.
    pub policies: Vec<PathBuf>,
    /// The folder in which the daemon keeps sessions and events.
    pub state: PathBuf,
    /// The control socket.
    pub socket: PathBuf,
    /// The folder in which programs, links and maps are pinned; on a bpffs.
    pub pins: PathBuf,
    /// The cgroup under which sessions are made.
    pub cgroup: PathBuf,
    /// The policy of a session that names none, and the layer under a user's own policy file.
    pub default_policy: String,
    /// The layer under every session.
    pub floor: Option<String>,
    /// Live sessions one user may have.
    pub sessions_per_user: usize,
    /// The longest time of a session; as long as it is asked for, or has tasks, where left out.
    pub longest_session: Option<Duration>,
    /// The settings of the audit trail.
    pub trail: Options,
    /// Patterns of secrets besides the built-in ones; the secret part is the group `s`.
    pub secrets: Vec<String>,
    /// The other receivers of records.
    pub exports: Vec<Export>,
    /// Events kept in memory for `gatekeeper events`.
    pub events_in_memory: usize,
    /// The answer of an assistant's hook where it can't be put on record.
    pub on_hook_failure: OnFailure,
    /// The time that a hook may take.
    pub hook_time: Duration,
    /// The checks of holds that come before people are asked.
    pub checks: checks::Setting,
    /// The receivers of notices that a hold waits.
    pub notify: notify::Setting,
}

/// The treatment of actions that can't be put on record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Refusal.
    #[default]
    Refuse,
    /// Passage.
    Pass,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file: None,
            policies: vec!["/etc/gatekeeper/policies".into(), "/usr/share/gatekeeper/policies".into()],
            state: "/var/lib/gatekeeper".into(),
            socket: "/run/gatekeeper/control.sock".into(),
            pins: "/sys/fs/bpf/gatekeeper".into(),
            cgroup: "/sys/fs/cgroup/gatekeeper".into(),
            default_policy: "coding-assistant".into(),
            floor: None,
            sessions_per_user: 64,
            longest_session: None,
            trail: Options::default(),
            secrets: Vec::new(),
            exports: Vec::new(),
            events_in_memory: 20_000,
            on_hook_failure: OnFailure::Refuse,
            hook_time: Duration::from_secs(10),
            checks: checks::Setting::default(),
            notify: notify::Setting::default(),
        }
    }
}

impl Config {
    /// The place, the limits and the receivers of the trail.
    #[must_use]
    pub fn trail_settings(&self) -> trail::Settings {
        trail::Settings {
            state: self.state.clone(),
            log: self.trail.clone(),
            secrets: self.secrets.clone(),
            exports: self.exports.clone(),
            events_in_memory: self.events_in_memory,
        }
    }

    /// Reads the configuration from the file that was named, or else from the usual place. Only there no file
    /// means the defaults: whoever names one and mistypes it would be without what it says.
    ///
    /// # Errors
    /// Where a named file is missing, or a file can't be read or has a mistake.
    pub fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        match named {
            Some(path) => Self::read(path),
            None => match Self::read(Path::new(PATH)) {
                Err(ConfigError::Missing { .. }) => Ok(Self::default()),
                read => read,
            },
        }
    }

    /// Reads the configuration from a file, which must be there.
    fn read(path: &Path) -> Result<Self, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => {
                let file = fs::canonicalize(path)
                    .map_err(|source| ConfigError::Read { path: path.into(), source })?;
                Ok(Self { file: Some(file), ..Self::parse(path, &text)? })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ConfigError::Missing { path: path.into() })
            }
            Err(source) => Err(ConfigError::Read { path: path.into(), source }),
        }
    }

    /// Reads the configuration from text; `path` is for messages.
    ///
    /// # Errors
    /// [`ConfigError::Content`] where the text has a mistake.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let document: Result<Document, Fault> = toml::from_str(text).map_err(|error: toml::de::Error| {
            Fault(error.span().unwrap_or(0..0), error.message().to_owned())
        });
        document.and_then(Document::check).map_err(|Fault(span, message)| {
            let before = text.get(..span.start).unwrap_or(text);
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            ConfigError::Content {
                path: path.into(),
                line: before.matches('\n').count() + 1,
                column: before.get(line_start..).unwrap_or("").chars().count() + 1,
                message,
            }
        })
    }
}
