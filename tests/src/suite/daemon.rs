//! The daemon: what it shows, what outlives it, what it refuses to start with.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use gatekeeper::kernel::programs::{AT_FUNCTIONS, PROGRAMS};

use crate::daemon::Daemon;
use crate::events::Denial;
use crate::ground::{self, ACTOR, OPEN, REASON, SHUT};
use crate::runner::Test;
use crate::world::{User, World};

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("daemon::every_hook_is_live", live),
        Test::new("daemon::broken_configuration", configuration),
        Test::new("daemon::users_see_their_own", own),
        // Last: they start the daemon anew.
        Test::new("daemon::enforcement_outlives_it", outlives).within(240),
    ]
}

fn live(world: &World) -> Result<()> {
    let status = world.ask_json(&["status", "--json"])?.pop().context("no status")?;
    ensure!(status["ready"] == true, "{status}");
    let hooks = status["hooks"].as_array().context("no hooks")?;
    // What has nothing to refuse, or can't be reached without meeting another hook before, no canary can prove.
    let silent = |name: &str| {
        PROGRAMS.iter().chain(AT_FUNCTIONS).any(|program| program.name == name && !program.provable)
    };
    let as_it_must = |hook: &&serde_json::Value| {
        let name = hook["hook"].as_str().unwrap_or_default();
        hook["state"] == "live" || hook["state"] == "attached" && silent(name)
    };
    let dead: Vec<_> = hooks.iter().filter(|hook| !as_it_must(hook)).collect();
    ensure!(dead.is_empty(), "not live: {dead:?}");
    for needed in
        ["bprm_check_security", "file_open", "mmap_file", "socket_connect", "socket_sendmsg", "task_alloc"]
    {
        let listed =
            |hook: &&serde_json::Value| hook["hook"].as_str().is_some_and(|name| name.contains(needed));
        ensure!(hooks.iter().any(|hook| listed(&hook)), "{needed} is not among {hooks:?}");
    }
    // Everybody may ask.
    let output = world.gatekeeper(User::Alice, &["status"])?;
    ensure!(output.status.success(), "alice is told nothing");
    let doctor = world.gatekeeper(User::Root, &["doctor"])?;
    ensure!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
    Ok(())
}

fn configuration(world: &World) -> Result<()> {
    let path = "/run/gatekeeper-suite/broken.toml";
    fs::write(path, "[paths]\nstate = \"/var/lib/other\"\n\n[sessions]\nflor = \"base\"\n")?;
    let output = world.gatekeeper(User::Root, &["--config", path, "daemon"])?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1), "{}", output.status);
    ensure!(words.contains(&format!("{path}:5:1:")) && words.contains("flor"), "{words}");
    ensure!(!Path::new("/var/lib/other").exists(), "it began all the same");
    Ok(())
}

/// One user's sessions and events are none of another's business.
fn own(world: &World) -> Result<()> {
    let shut = format!("{SHUT}/own");
    ground::folder(&shut)?;
    ground::file(&format!("{shut}/file"))?;
    let mut session = world.session("suite")?;
    session.must_not("read", &[&format!("{shut}/file")])?;
    for (user, sees) in [(User::Dev, true), (User::Root, true), (User::Alice, false)] {
        for words in [&["sessions", "--json"][..], &["events", "--json", "-n", "200"]] {
            let output = world.gatekeeper(user, words)?;
            ensure!(output.status.success(), "{user:?} is refused {words:?}");
            let told = String::from_utf8_lossy(&output.stdout).contains(&session.id);
            ensure!(told == sees, "{user:?}: {words:?} tells of the session: {told}");
        }
        let words = ["events", "--json", "--session", &session.id];
        let output = world.gatekeeper(user, &words)?;
        let told = String::from_utf8_lossy(&output.stdout).contains("\"operation\"");
        ensure!(told == sees, "{user:?}: {words:?} tells of its events: {told}");
    }
    for verb in [&["reload"][..], &["label", "--cgroup", "/sys/fs/cgroup/x", "--policy", "wide"]] {
        let output = world.gatekeeper(User::Dev, verb)?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success() && words.contains("for root"), "{verb:?}: {words}");
    }
    Ok(())
}

/// Killed without warning: what was bound stays bound, nothing new is let, and the next daemon takes over.
fn outlives(world: &World) -> Result<()> {
    let [open, shut] = [OPEN, SHUT].map(|folder| format!("{folder}/outlives"));
    ground::folder(&open)?;
    ground::folder(&shut)?;
    let (open, shut, late) = (format!("{open}/file"), format!("{shut}/file"), format!("{shut}/late"));
    [&open, &shut, &late].into_iter().try_for_each(|path| ground::file(path))?;
    let mut session = world.session("suite")?;
    session.must("read", &[&open])?;
    session.must_not("read", &[&shut])?;

    let mut held = world.daemon();
    held.take().context("no daemon")?.kill()?;
    session.must("read", &[&open])?;
    session.must_not("read", &[&shut])?;
    session.must_not("in-child", &["read", &shut])?;
    let started = format!("{OPEN}/outlives/started");
    let output = world.gatekeeper(User::Dev, &["run", "--policy", "suite", "--", ACTOR, "actor"])?;
    ensure!(output.status.code() == Some(125), "without a daemon, `run` ended with {}", output.status);
    ensure!(!Path::new(&started).exists(), "the command was started");
    let status = world.gatekeeper(User::Root, &["status"])?;
    ensure!(!status.status.success(), "without a daemon, `status` is content");
    session.must_not("read", &[&late])?;

    *held = Some(Daemon::start(true)?);
    drop(held);
    ensure!(world.session_listed(&session.id)?.is_some(), "the new daemon does not know the session");
    session.must("read", &[&open])?;
    session.must_not("read", &[&shut])?;
    let told = [Denial::of("read", &shut, REASON), Denial::of("read", &late, REASON)];
    world.expect(&session.id, &told).context("also of what was refused while no daemon ran")?;
    let mut fresh = world.session("suite")?;
    fresh.must("read", &[&open])?;
    fresh.must_not("read", &[&shut])
}
