//! Tests of the configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Config, ConfigError, OnFailure, PATH};
use gatekeeper_trail::export::setting;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("g.toml"), text)
}

/// The words of the refusal.
fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
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
    let unknown = refused("[sessions]\nfloors = \"base\"\n");
    assert!(unknown.starts_with("g.toml:2:1: unknown field"), "{unknown}");
    let relative = refused("[paths]\nstate = \"var/lib\"\n");
    assert!(relative.starts_with("g.toml:2:9: \"var/lib\" is not an absolute path"), "{relative}");
    let escape = refused("[paths]\nstate = \"/var/../etc\"\n");
    assert!(escape.contains("not an absolute path"), "{escape}");
    let name = refused("[sessions]\nfloor = \"../base\"\n");
    assert!(name.starts_with("g.toml:2:9: \"../base\" is not a policy's name"), "{name}");
    for longest in ["0s", "367days", "500000000years", "584942417355years"] {
        let longest = refused(&format!("[sessions]\nlongest = \"{longest}\"\n"));
        assert!(longest.starts_with("g.toml:2:11: ") && longest.contains("from 1s to 366days"), "{longest}");
    }
    let range = refused("[trail]\nkeep_days = 0\n");
    assert!(range.contains("use a number from 1 to 36600"), "{range}");
    for (table, place, part) in [
        ("name = 'a'\nkind = 'file'\n", "1:1", "lacks `path`: add it"),
        ("name = 'a'\nkind = 'flie'\n", "3:8", "unknown variant `flie`"),
        ("name = 'a/b'\nkind = 'journald'\n", "2:8", "is not an export's name"),
        ("name = 'a'\nkind = 'journald'\nurl = 'http://x/'\n", "4:7", "means nothing to a journald export"),
        #[cfg(feature = "export-otlp")]
        ("name = 'a'\nkind = 'otlp'\nurl = 'collector:4318'\n", "4:7", "is not an address"),
        #[cfg(not(feature = "export-otlp"))]
        (
            "name = 'a'\nkind = 'otlp'\nurl = 'http://x/'\n",
            "3:8",
            "help: use a build with the feature `export-otlp`",
        ),
        ("name = 'a'\nkind = 'webhook'\nurl = 'x:1'\nsecret_file = '/s'\n", "4:7", "is not an address"),
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
        let error = refused(&format!("[[export]]\n{table}"));
        assert!(error.starts_with(&format!("g.toml:{place}: ")) && error.contains(part), "{error}");
    }
    let root = refused("[checks]\nuser = 'root'\n");
    assert!(root.starts_with("g.toml:2:8: checks can't run as"), "{root}");
    for (table, place, part) in [
        ("url = 'http://x/'", "2:7", "add `secret_file`"),
        ("url = 'x'", "2:7", "is not an address"),
        ("secret_file = '/s'", "2:15", "means nothing without `url`"),
        ("link = 'https://x/'", "2:8", "is no link to a hold"),
    ] {
        let error = refused(&format!("[notify]\n{table}\n"));
        assert!(error.starts_with(&format!("g.toml:{place}: ")) && error.contains(part), "{error}");
    }
    let pattern = refused("[trail]\nsecrets = [\"badge [0-9]+\"]\n");
    assert!(pattern.starts_with("g.toml:2:12: ") && pattern.contains("(?<s>…)"), "{pattern}");
}
