//! The configuration as written, and its values in their bounds.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{Config, EVENTS_IN_MEMORY, OnFailure, checks, notify};
use gatekeeper_policy::is_policy_name;
use gatekeeper_trail::export::setting;
use gatekeeper_trail::log::writer::Options;
use gatekeeper_trail::mask::Mask;
use gatekeeper_trail::setting::{Fault, between, between_or, directory};

/// The file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Document {
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
    fn check(self, usual: &Options) -> Result<Options, Fault> {
        let seconds = |n: Option<Spanned<u64>>, unit: Duration, usual: Duration, most: u64| match n {
            None => Ok(usual),
            Some(n) => between(n, 1, most).map(|n| Duration::from_secs(n * unit.as_secs())),
        };
        Ok(Options {
            segment_bytes: between_or(self.segment_bytes, usual.segment_bytes, 64 << 10, 16 << 30)?,
            segment_age: seconds(self.segment_hours, DAY / 24, usual.segment_age, 24 * 366)?,
            checkpoint_records: between_or(self.checkpoint_records, usual.checkpoint_records, 1, 1_000_000)?,
            checkpoint_age: seconds(self.checkpoint_seconds, SECOND, usual.checkpoint_age, 3600)?,
            keep_bytes: between_or(self.keep_bytes, usual.keep_bytes, 1 << 20, 1 << 50)?,
            keep_age: seconds(self.keep_days, DAY, usual.keep_age, 36_600)?,
        })
    }
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
/// The longest time that a session may be limited to.
const LONGEST: Duration = Duration::from_hours(366 * 24);

impl Document {
    /// Checks every value; the defaults stand in for those left out.
    pub(super) fn check(self) -> Result<Config, Fault> {
        let usual = Config::default();
        let Document { paths, sessions, events, mut trail, export, hooks, checks, notify } = self;
        let policies = match paths.policies {
            None => usual.policies,
            Some(list) => list.into_iter().map(directory).collect::<Result<_, _>>()?,
        };
        Ok(Config {
            file: None,
            policies,
            state: paths.state.map_or(Ok(usual.state), directory)?,
            socket: paths.socket.map_or(Ok(usual.socket), directory)?,
            pins: paths.pins.map_or(Ok(usual.pins), directory)?,
            cgroup: paths.cgroup.map_or(Ok(usual.cgroup), directory)?,
            default_policy: sessions.default_policy.map_or(Ok(usual.default_policy), policy_name)?,
            floor: sessions.floor.map(policy_name).transpose()?,
            sessions_per_user: between_or(sessions.per_user, usual.sessions_per_user, 1, 1000)?,
            longest_session: sessions.longest.map(length).transpose()?,
            checks: checks.check()?,
            notify: notify.check()?,
            exports: setting::check(export)?,
            secrets: patterns(std::mem::take(&mut trail.secrets))?,
            trail: trail.check(&usual.trail)?,
            events_in_memory: between_or(
                events.in_memory,
                usual.events_in_memory,
                100,
                EVENTS_IN_MEMORY as usize,
            )?,
            on_hook_failure: hooks.on_failure,
            // Every assistant is configured to wait a minute.
            hook_time: between_or(hooks.seconds, usual.hook_time.as_secs(), 1, 50)
                .map(Duration::from_secs)?,
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

/// Reads the length of a session: 1 s to 366 days.
fn length(text: Spanned<String>) -> Result<Duration, Fault> {
    let (span, text) = (text.span(), text.into_inner());
    let problem = match humantime::parse_duration(&text) {
        Ok(time) if (SECOND..=LONGEST).contains(&time) => return Ok(time),
        Ok(_) => "out of range".to_owned(),
        Err(error) => error.to_string(),
    };
    let message = format!("\"{text}\": {problem}: write a time from 1s to 366days, such as \"8h\"");
    Err(Fault(span, message))
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
