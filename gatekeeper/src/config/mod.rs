//! `gatekeeper.toml`: where things lie, and which policies hold for everybody.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use gatekeeper_policy::is_policy_name;
use gatekeeper_trail::export::setting::{self, Export};
use gatekeeper_trail::log::writer::Options;
use gatekeeper_trail::mask::Mask;
use gatekeeper_trail::setting::{Fault, between, directory};
use gatekeeper_trail::trail;

pub mod checks;
pub mod notify;

/// The default path of the configuration.
pub const PATH: &str = "/etc/gatekeeper/gatekeeper.toml";

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

/// A configuration that can't be used, and the help.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was named is not there.
    #[error(
        "{path}: there is no such file: name the one there is, or leave --config out for {PATH}, or for the defaults where that is not there",
        path = path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The file has a mistake.
    #[error("{path}:{line}:{column}: {message}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The mistake, and the help.
        message: String,
    },
}

/// The file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Document {
    paths: Paths,
    sessions: Sessions,
    events: Events,
    trail: Trail,
    export: Vec<Spanned<setting::Table>>,
    hooks: Hooks,
    checks: checks::Table,
    notify: notify::Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Hooks {
    on_failure: OnFailure,
    seconds: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Paths {
    policies: Option<Vec<Spanned<PathBuf>>>,
    state: Option<Spanned<PathBuf>>,
    socket: Option<Spanned<PathBuf>>,
    pins: Option<Spanned<PathBuf>>,
    cgroup: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sessions {
    default_policy: Option<Spanned<String>>,
    floor: Option<Spanned<String>>,
    per_user: Option<Spanned<usize>>,
    longest: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Events {
    in_memory: Option<Spanned<usize>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Trail {
    segment_bytes: Option<Spanned<u64>>,
    segment_hours: Option<Spanned<u64>>,
    checkpoint_records: Option<Spanned<u64>>,
    checkpoint_seconds: Option<Spanned<u64>>,
    keep_bytes: Option<Spanned<u64>>,
    keep_days: Option<Spanned<u64>>,
    secrets: Vec<Spanned<String>>,
}

impl Trail {
    fn check(self, usual: Options) -> Result<Options, Fault> {
        let seconds = |n: Option<Spanned<u64>>, unit: Duration, usual: Duration, most: u64| match n {
            None => Ok(usual),
            Some(n) => between(n, 1, most).map(|n| Duration::from_secs(n * unit.as_secs())),
        };
        let number = |n: Option<Spanned<u64>>, usual, least, most| match n {
            None => Ok(usual),
            Some(n) => between(n, least, most),
        };
        Ok(Options {
            segment_bytes: number(self.segment_bytes, usual.segment_bytes, 64 << 10, 16 << 30)?,
            segment_age: seconds(self.segment_hours, DAY / 24, usual.segment_age, 24 * 366)?,
            checkpoint_records: number(self.checkpoint_records, usual.checkpoint_records, 1, 1_000_000)?,
            checkpoint_age: seconds(self.checkpoint_seconds, SECOND, usual.checkpoint_age, 3600)?,
            keep_bytes: number(self.keep_bytes, usual.keep_bytes, 1 << 20, 1 << 50)?,
            keep_age: seconds(self.keep_days, DAY, usual.keep_age, 36_600)?,
        })
    }
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

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
        document.and_then(Self::check).map_err(|Fault(span, message)| {
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

    fn check(document: Document) -> Result<Self, Fault> {
        let usual = Self::default();
        let Document { paths, sessions, events, mut trail, export, hooks, checks, notify } = document;
        let policies = match paths.policies {
            None => usual.policies,
            Some(list) => list.into_iter().map(directory).collect::<Result<_, _>>()?,
        };
        Ok(Self {
            file: None,
            policies,
            state: paths.state.map_or(Ok(usual.state), directory)?,
            socket: paths.socket.map_or(Ok(usual.socket), directory)?,
            pins: paths.pins.map_or(Ok(usual.pins), directory)?,
            cgroup: paths.cgroup.map_or(Ok(usual.cgroup), directory)?,
            default_policy: sessions.default_policy.map_or(Ok(usual.default_policy), policy_name)?,
            floor: sessions.floor.map(policy_name).transpose()?,
            sessions_per_user: sessions
                .per_user
                .map_or(Ok(usual.sessions_per_user), |n| between(n, 1, 1000))?,
            longest_session: sessions.longest.map(length).transpose()?,
            checks: checks.check()?,
            notify: notify.check()?,
            exports: setting::check(export)?,
            secrets: patterns(std::mem::take(&mut trail.secrets))?,
            trail: trail.check(usual.trail)?,
            events_in_memory: events
                .in_memory
                .map_or(Ok(usual.events_in_memory), |n| between(n, 100, 1_000_000))?,
            on_hook_failure: hooks.on_failure,
            // Every assistant is configured to wait a minute.
            hook_time: hooks
                .seconds
                .map_or(Ok(usual.hook_time), |n| between(n, 1, 50).map(Duration::from_secs))?,
        })
    }
}

fn policy_name(name: Spanned<String>) -> Result<String, Fault> {
    let span = name.span();
    let name = name.into_inner();
    if is_policy_name(&name) {
        return Ok(name);
    }
    let message = format!(
        "\"{name}\" is not a policy's name: use letters, digits, \"-\", \"_\" and \".\" (the file is <policies>/<name>.toml)"
    );
    Err(Fault(span, message))
}

/// A length of time.
fn length(text: Spanned<String>) -> Result<Duration, Fault> {
    let (span, text) = (text.span(), text.into_inner());
    match humantime::parse_duration(&text) {
        Ok(time) if time >= SECOND => Ok(time),
        Ok(_) => Err(Fault(span, format!("\"{text}\" is no time: write \"45m\", \"8h\" or \"2days\""))),
        Err(error) => Err(Fault(span, format!("\"{text}\": {error}: write \"45m\", \"8h\" or \"2days\""))),
    }
}

fn patterns(patterns: Vec<Spanned<String>>) -> Result<Vec<String>, Fault> {
    let checked = patterns.into_iter().map(|pattern| {
        let span = pattern.span();
        let pattern = [pattern.into_inner()];
        Mask::new([0; 32], &pattern).map_err(|error| Fault(span, error.to_string()))?;
        let [pattern] = pattern;
        Ok(pattern)
    });
    checked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("g.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_written_means_the_defaults() {
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gatekeeper.toml");
        let missing = Config::load(Some(&path)).unwrap_err();
        assert!(matches!(missing, ConfigError::Missing { .. }), "{missing}");
        let words = missing.to_string();
        assert!(words.starts_with(&format!("{}: there is no such file", path.display())), "{words}");
        fs::write(&path, "[sessions]\nfloor = \"base\"\n").unwrap();
        assert_eq!(Config::load(Some(&path)).unwrap().floor.as_deref(), Some("base"));
        // Nobody named the usual one, so it may be missing.
        if !Path::new(PATH).exists() {
            assert_eq!(Config::load(None).unwrap(), Config::default());
        }
    }

    #[test]
    fn the_sample_that_ships_says_the_defaults() {
        let text = include_str!("../../../deploy/gatekeeper.toml");
        assert_eq!(parse(text).unwrap(), Config::default());
    }

    #[test]
    fn everything_can_be_changed() {
        let text = include_str!("every-key.toml");
        let config = parse(text).unwrap();
        assert_eq!(config.floor.as_deref(), Some("base"));
        assert_eq!(config.policies, [PathBuf::from("/p")]);
        assert_eq!((config.sessions_per_user, config.events_in_memory), (3, 100));
        assert_eq!(config.longest_session, Some(8 * DAY / 24));
        assert_eq!((config.trail.checkpoint_records, config.trail.keep_age), (10, 7 * DAY));
        let [export] = &config.exports[..] else { panic!("no export") };
        let address = setting::Address::Tls("logs.example.org:6514".into());
        let ca = Some(PathBuf::from("/etc/gatekeeper/siem.pem"));
        assert_eq!(export.target, setting::Target::Syslog { address, ca, facility: 16 });
        assert_eq!((export.batch, export.timeout, export.since), (9, 3 * SECOND, setting::Since::Now));
        assert_eq!((config.on_hook_failure, config.hook_time.as_secs()), (OnFailure::Pass, 3));
        assert_eq!(config.secrets, ["badge (?<s>[0-9]+)"]);
        assert_eq!(config.checks.denied, Some("/etc/gatekeeper/denied.sha256".into()));
        assert_eq!((config.checks.user.as_str(), config.checks.time), ("checker", 7 * SECOND));
        let hook = config.notify.webhook.unwrap();
        assert_eq!((hook.url.url.as_str(), hook.timeout), ("https://hooks.example.org/x", 10 * SECOND));
        assert!(!config.notify.desktop && config.notify.link.is_some());
    }

    #[test]
    fn mistakes_are_reported_with_their_place() {
        let unknown = parse("[sessions]\nfloors = \"base\"\n").unwrap_err();
        assert!(unknown.starts_with("g.toml:2:1: unknown field"), "{unknown}");
        let relative = parse("[paths]\nstate = \"var/lib\"\n").unwrap_err();
        assert!(relative.starts_with("g.toml:2:9: \"var/lib\" is not an absolute path"), "{relative}");
        let escape = parse("[paths]\nstate = \"/var/../etc\"\n").unwrap_err();
        assert!(escape.contains("not an absolute path"), "{escape}");
        let name = parse("[sessions]\nfloor = \"../base\"\n").unwrap_err();
        assert!(name.starts_with("g.toml:2:9: \"../base\" is not a policy's name"), "{name}");
        let range = parse("[trail]\nkeep_days = 0\n").unwrap_err();
        assert!(range.contains("use a number from 1 to 36600"), "{range}");
        for (table, place, part) in [
            ("name = 'a'\nkind = 'file'\n", "1:1", "lacks `path`: add it"),
            ("name = 'a'\nkind = 'flie'\n", "3:8", "unknown variant `flie`"),
            ("name = 'a/b'\nkind = 'journald'\n", "2:8", "is not an export's name"),
            (
                "name = 'a'\nkind = 'journald'\nurl = 'http://x/'\n",
                "4:7",
                "means nothing to a journald export",
            ),
            ("name = 'a'\nkind = 'otlp'\nurl = 'collector:4318'\n", "4:7", "is not an address"),
            ("name = 'a'\nkind = 'webhook'\nurl = 'http://x/'\n", "1:1", "lacks `secret_file`"),
            ("name = 'a'\nkind = 'syslog'\naddress = 'udp://x:514'\n", "4:11", "is not a syslog server"),
            ("name = 'a'\nkind = 'syslog'\naddress = 'tcp://x:601'\nca = '/c'\n", "5:6", "without TLS"),
            ("name = 'a'\nkind = 'journald'\nbatch = 0\n", "4:9", "use a number from 1 to 10000"),
            (
                "name = 'a'\nkind = 'journald'\n[[export]]\nname = 'a'\nkind = 'journald'\n",
                "5:8",
                "another export's name",
            ),
        ] {
            let error = parse(&format!("[[export]]\n{table}")).unwrap_err();
            assert!(error.starts_with(&format!("g.toml:{place}: ")) && error.contains(part), "{error}");
        }
        let root = parse("[checks]\nuser = 'root'\n").unwrap_err();
        assert!(root.starts_with("g.toml:2:8: checks can't run as"), "{root}");
        for (table, place, part) in [
            ("url = 'http://x/'", "2:7", "add `secret_file`"),
            ("url = 'x'", "2:7", "is not an address"),
            ("secret_file = '/s'", "2:15", "means nothing without `url`"),
            ("link = 'https://x/'", "2:8", "is no link to a hold"),
        ] {
            let error = parse(&format!("[notify]\n{table}\n")).unwrap_err();
            assert!(error.starts_with(&format!("g.toml:{place}: ")) && error.contains(part), "{error}");
        }
        let pattern = parse("[trail]\nsecrets = [\"badge [0-9]+\"]\n").unwrap_err();
        assert!(pattern.starts_with("g.toml:2:12: ") && pattern.contains("(?<s>…)"), "{pattern}");
    }
}
