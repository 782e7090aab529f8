//! Damaged files of the state folder: each file, damaged in each way, either lets the daemon start and is on record, or is
//! named with the help.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use tokio::sync::mpsc;

use super::session::adopt::adopt;
use super::state::State;
use crate::config::Config;
use crate::session::record::{LayerRef, OwnLayer, Session};
use crate::session::store::Store;
use crate::session::store::tests::session as sample;
use gatekeeper_policy::rulebook::{PolicyVersion, Rules};
use gatekeeper_record::record::{Record, Upkeep};
use gatekeeper_trail::trail::{Others, Trail};

/// The ways in which a file is damaged.
const DAMAGES: [&str; 6] = ["missing", "empty", "garbage", "folder", "link", "unreadable"];

/// The outcome that is expected of a damage that is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// The file is set aside, and the record names it.
    SetAside,
    /// The start is refused with path and help.
    Refused,
    /// The whole trail is set aside, as one that was changed; or the start is refused with path and help.
    Trail,
}

/// Every file of the state folder that a start reads, and the damages that are none.
const FILES: [(&str, Expected, &[&str]); 11] = [
    ("losses.json", Expected::SetAside, &["missing"]),
    // An empty one was cut off in the middle of its first line.
    ("holds.jsonl", Expected::SetAside, &["missing", "empty"]),
    ("rules/9-1.json", Expected::SetAside, &["missing"]),
    ("export/copy.json", Expected::SetAside, &["missing"]),
    ("mask.key", Expected::SetAside, &["missing"]),
    ("sessions/000000044j.json", Expected::SetAside, &["missing"]),
    ("trail.key", Expected::Refused, &[]),
    ("trail/heads", Expected::Trail, &["missing", "empty"]),
    ("trail/checkpoints", Expected::Trail, &["missing", "empty", "garbage"]),
    ("trail/key.pub", Expected::Trail, &[]),
    ("trail/0000000000000000.jsonl", Expected::Trail, &[]),
];

/// The configuration; an export takes time to end.
fn config(folder: &Path, exports: bool) -> Config {
    let folder = folder.display();
    let mut text = format!("[paths]\nstate = '{folder}/state'\ncgroup = '{folder}/cgroup'\n");
    if exports {
        let export = format!("[[export]]\nname = 'copy'\nkind = 'file'\npath = '{folder}/copy.jsonl'\n");
        text.push_str(&export);
    }
    Config::parse(Path::new("test.toml"), &text).unwrap()
}

fn live() -> Session {
    let layer = LayerRef { slot: 3, serial: 9 };
    let own = sample().own.into_iter().map(|own| OwnLayer { layer, ..own }).collect();
    Session { own, ..sample() }
}

/// Starts as the daemon does, without a kernel side.
fn start(config: &Config) -> Result<State, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let mut set_aside = Vec::new();
    let store = Store::open(&config.state).map_err(|error| text(&error))?;
    let found = store.load(&mut set_aside).map_err(|error| text(&error))?;
    let mut trail = Trail::open(&config.trail_settings(), "b").map_err(|error| text(&error))?;
    trail.set_aside(&set_aside);
    let (none, drain) = (Err("none here".into()), mpsc::channel(1).0);
    let daemon = State::new(config.clone(), "b".into(), none, store, trail, drain);
    let daemon = daemon.map_err(|error| text(&error))?;
    adopt(&daemon, found, Others::Keep).map_err(|error| text(&error))?;
    Ok(daemon)
}

/// A state folder with every file in it.
fn fill(config: &Config) {
    let daemon = start(config).unwrap();
    daemon.store().save(&live()).unwrap();
    let version = PolicyVersion { serial: 9, generation: 1 };
    daemon.trail_mut().rules(version, Rules::default()).unwrap();
    daemon.trail_mut().settle(&[0; 64]);
    drop(daemon);
    // `heads` is written where a trail goes on.
    drop(start(config).unwrap());
    fs::write(config.state.join("losses.json"), r#"{"boot":"b","families":{},"unexplained":0,"missing":0}"#)
        .unwrap();
    fs::write(config.state.join("holds.jsonl"), "{\"boot\":\"b\"}\n").unwrap();
    if !config.exports.is_empty() {
        fs::write(config.state.join("export/copy.json"), r#"{"next":0,"last":null}"#).unwrap();
    }
}

fn damage(path: &Path, how: &str) {
    if how == "unreadable" {
        return fs::set_permissions(path, fs::Permissions::from_mode(0o0)).unwrap();
    }
    fs::remove_file(path).unwrap();
    match how {
        "empty" => fs::write(path, "").unwrap(),
        "garbage" => fs::write(path, "\u{1f980} is no {\n").unwrap(),
        "folder" => fs::create_dir(path).unwrap(),
        "link" => {
            let target = path.with_extension("target");
            fs::write(&target, "another file").unwrap();
            symlink(&target, path).unwrap();
        }
        _ => {}
    }
}

/// Runs on a thread that may read no more than the modes allow, with a runtime of its own.
fn without_override(act: impl FnOnce() + Send + 'static) {
    let bound = move || {
        let mut sets = capabilities(None).unwrap();
        sets.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        set_capabilities(None, sets).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { act() });
    };
    std::thread::spawn(bound).join().unwrap();
}

/// The notes of files that were set aside, and of a trail that was.
fn notes(daemon: &State) -> (Vec<String>, bool) {
    let (past, _) = daemon.trail().feed().read(99, |record| matches!(record, Record::Trail(_)));
    let notes = past.iter().filter_map(|record| match &**record {
        Record::Trail(change) if change.change == Upkeep::SetAside => Some(change.note.clone()),
        _ => None,
    });
    let aside = fs::read_dir(&daemon.config().state).unwrap();
    let trail = |name: PathBuf| name.to_string_lossy().starts_with("trail-aside-");
    (notes.collect(), aside.flatten().any(|entry| trail(entry.file_name().into())))
}

fn check(file: &'static str, expected: Expected, harmless: bool, how: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), file.starts_with("export/"));
    fill(&config);
    let path = config.state.join(file);
    damage(&path, how);
    let case = format!("{file}, {how}");
    let target = path.with_extension("target");
    let started = start(&config);
    for target in [&target, &config.state.join("trail-aside-1").join(target.file_name().unwrap())] {
        let kept = fs::read_to_string(target).unwrap_or("another file".into());
        assert_eq!(kept, "another file", "{case}: what a link leads to is not changed");
    }
    match (started, expected) {
        (Ok(daemon), Expected::SetAside) => {
            let (notes, _) = notes(&daemon);
            assert_eq!(notes.len(), usize::from(!harmless), "{case}: {notes:?}");
            assert!(notes.iter().all(|note| note.contains(&*path.to_string_lossy())), "{case}: {notes:?}");
            let kept =
                path.with_file_name(format!("{}.aside-1", path.file_name().unwrap().to_str().unwrap()));
            assert_eq!(fs::symlink_metadata(kept).is_ok(), !harmless, "{case}");
            assert!(!config.state.join("trail-aside-1").exists(), "{case}");
        }
        (Ok(daemon), Expected::Trail) => {
            let (_, aside) = notes(&daemon);
            assert_eq!(aside, !harmless, "{case}");
        }
        (Err(error), Expected::Refused | Expected::Trail) => {
            let named = if expected == Expected::Trail { config.state.join("trail") } else { path };
            assert!(
                error.contains(&*named.to_string_lossy()) && error.contains("\nhelp: "),
                "{case}: {error}"
            );
            assert!(!config.state.join("trail-aside-1").exists(), "{case}");
        }
        (Ok(_), Expected::Refused) => panic!("{case}: it started"),
        (Err(error), Expected::SetAside) => panic!("{case}: {error}"),
    }
}

#[test]
fn no_damaged_file_goes_unnoticed_or_unnamed() {
    without_override(|| {
        for (file, expected, harmless) in FILES {
            for how in DAMAGES {
                check(file, expected, harmless.contains(&how), how);
            }
        }
    });
}

#[test]
fn what_is_not_gatekeepers_stays_among_the_rules() {
    without_override(|| {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), false);
        fill(&config);
        let rules = config.state.join("rules");
        fs::create_dir(rules.join("notes")).unwrap();
        fs::write(rules.join("README"), "mine").unwrap();
        let daemon = start(&config).unwrap();
        assert!(rules.join("notes").is_dir() && rules.join("README").is_file());
        assert_eq!(notes(&daemon).0, Vec::<String>::new());
    });
}
