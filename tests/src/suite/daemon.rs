//! The daemon: what it shows, what outlives it, what it refuses to start with.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatekeeper_kernel::programs::{AT_FUNCTIONS, PROGRAMS};
use gatekeeper_kernel::sys::bpf;

use crate::daemon::{self, Daemon};
use crate::events::Denial;
use crate::failure::must_not_pass;
use crate::fixtures::{self, ACTOR, OPEN, REASON, SHUT};
use crate::runner::Test;
use crate::world::{User, World, in_full, until};

/// The daemon's message where it finds its own programs.
const STAYS: &str = "they stay";

pub fn tests() -> Vec<Test> {
    let mut tests = vec![
        Test::new("daemon::every_hook_is_live", live),
        Test::new("daemon::broken_configuration", configuration),
        Test::new("daemon::users_see_their_own", own),
    ];
    // Last: they start the daemon anew. The first of them makes that quick for the others, which would read back what
    // all tests before have left on record.
    if in_full() {
        tests.push(Test::new("daemon::begins_anew_without_its_state", anew));
    }
    tests.push(Test::new("daemon::enforcement_outlives_it", outlives));
    if in_full() {
        tests.push(Test::new("daemon::maps_of_another_version", other_maps));
        tests.push(Test::new("daemon::detached_by_root_alone", detached));
        // The records of its many refusals would be read back by the others.
        tests.push(Test::new("daemon::replaced_by_another", replaced));
    }
    tests
}

/// Its keys, its records and its journals are gone, and its programs are in the kernel.
fn anew(world: &World) -> Result<()> {
    world.empty_state()?;
    let trail = world.ask(&["audit", "verify"])?;
    ensure!(trail.contains("whole: records 0 to "), "{trail}");
    let [open, shut] = fixtures::pair("anew")?;
    let mut session = world.session("suite")?;
    session.must("read", &[&open])?;
    session.must_not("read", &[&shut])?;
    world.expect(&session.id, &[Denial::of("read", &shut, REASON)])
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
    ensure!(output.status.success(), "alice gets no answer");
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
    fixtures::folder(&shut)?;
    fixtures::file(&format!("{shut}/file"))?;
    let mut session = world.session("suite")?;
    session.must_not("read", &[&format!("{shut}/file")])?;
    for (user, sees) in [(User::Dev, true), (User::Root, true), (User::Alice, false)] {
        for words in [&["sessions", "--json"][..], &["events", "--json", "-n", "200"]] {
            let output = world.gatekeeper(user, words)?;
            ensure!(output.status.success(), "{user:?} is refused {words:?}");
            let is_shown = String::from_utf8_lossy(&output.stdout).contains(&session.id);
            ensure!(is_shown == sees, "{user:?}: {words:?} shows the session: {is_shown}");
        }
        let words = ["events", "--json", "--session", &session.id];
        let output = world.gatekeeper(user, &words)?;
        let is_shown = String::from_utf8_lossy(&output.stdout).contains("\"operation\"");
        ensure!(is_shown == sees, "{user:?}: {words:?} shows its events: {is_shown}");
    }
    for verb in [&["reload"][..], &["label", "--cgroup", "/sys/fs/cgroup/x", "--policy", "wide"]] {
        let output = world.gatekeeper(User::Dev, verb)?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success() && words.contains("for root"), "{verb:?}: {words}");
    }
    Ok(())
}

/// A daemon killed without warning: bound sessions stay bound, no new one starts, and the next daemon takes over.
fn outlives(world: &World) -> Result<()> {
    let [open, shut] = fixtures::pair("outlives")?;
    let late = format!("{SHUT}/outlives/late");
    fixtures::file(&late)?;
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
    must_not_pass(!Path::new(&started).exists(), "the command was started")?;
    let status = world.gatekeeper(User::Root, &["status"])?;
    ensure!(!status.status.success(), "without a daemon, `status` is content");
    session.must_not("read", &[&late])?;

    let before = daemon::log().len();
    *held = Some(Daemon::start(true)?);
    drop(held);
    let log = daemon::log().split_off(before);
    ensure!(log.contains(STAYS), "the same programs were loaded again: {log}");
    ensure!(world.session_listed(&session.id)?.is_some(), "the new daemon does not know the session");
    session.must("read", &[&open])?;
    session.must_not("read", &[&shut])?;
    let denials = [Denial::of("read", &shut, REASON), Denial::of("read", &late, REASON)];
    world.expect(&session.id, &denials).context("also of what was refused while no daemon ran")?;
    let mut fresh = world.session("suite")?;
    fresh.must("read", &[&open])?;
    fresh.must_not("read", &[&shut])
}

/// Programs of another version take over while a session's task opens files all the time: there is no moment in which
/// one gets what it must not, or misses what it may.
fn replaced(world: &World) -> Result<()> {
    let [open, shut] = fixtures::pair("replaced")?;
    let mut session = world.session("suite")?;
    let words = ["10".to_owned(), open, shut];
    let over = AtomicBool::new(false);
    let (rounds, log) = std::thread::scope(|scope| -> Result<_> {
        let opening = scope.spawn(|| -> Result<u32> {
            let mut rounds = 0;
            while !over.load(Ordering::Relaxed) {
                let counts = session.must("open-each", &words)?;
                // Let, refused, failed: of the open file, of the shut one.
                ensure!(counts == b"10 0 0 0 10 0", "round {rounds}: {}", String::from_utf8_lossy(&counts));
                rounds += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(rounds)
        });
        let restart = || -> Result<String> {
            let mut held = world.daemon();
            held.take().context("no daemon")?.stop();
            // What shows which version's programs are there.
            fs::remove_file("/sys/fs/bpf/gatekeeper/built")?;
            let before = daemon::log().len();
            *held = Some(Daemon::start(true)?);
            Ok(daemon::log().split_off(before))
        };
        let log = restart();
        over.store(true, Ordering::Relaxed);
        let rounds = opening.join().map_err(|_| anyhow::anyhow!("the opening thread panicked"))??;
        Ok((rounds, log?))
    })?;
    ensure!(!log.contains(STAYS), "no program was replaced: {log}");
    ensure!(rounds > 50, "only {rounds} rounds while programs were replaced");
    live(world)?;
    drop(session);
    world.empty_state()
}

/// A pinned map of another layout is not read: bound sessions stay bound by the loaded programs, no new one starts, and
/// `status` names the help.
fn other_maps(world: &World) -> Result<()> {
    const MAP: &str = "/sys/fs/bpf/gatekeeper/maps/RECORDING";
    const KEPT: &str = "/sys/fs/bpf/gatekeeper/kept";
    let [open, shut] = fixtures::pair("other-maps")?;
    let mut session = world.session("suite")?;
    let mut held = world.daemon();
    held.take().context("no daemon")?.stop();
    fs::rename(MAP, KEPT)?;
    let other = bpf::create_array("RECORDING", 8, 1).and_then(|map| bpf::pin(map.as_fd(), Path::new(MAP)));
    let status = other.map_err(anyhow::Error::from).and_then(|()| {
        *held = Some(Daemon::start(false)?);
        let status = world.gatekeeper(User::Root, &["status"])?;
        let started = world.gatekeeper(User::Dev, &["run", "--policy", "suite", "--", "/bin/true"])?;
        ensure!(started.status.code() == Some(125), "`run` ended with {}", started.status);
        session.must("read", &[&open])?;
        session.must_not("read", &[&shut])?;
        Ok(String::from_utf8_lossy(&status.stdout).into_owned())
    });
    if let Some(daemon) = held.take() {
        daemon.stop();
    }
    fs::remove_file(MAP)?;
    fs::rename(KEPT, MAP)?;
    *held = Some(Daemon::start(true)?);
    drop(held);
    let status = status?;
    ensure!(
        status.contains("RECORDING is of another version") && status.contains("--detach-all"),
        "{status}"
    );
    session.must("read", &[&open])?;
    session.must_not("read", &[&shut])
}

/// Only root unloads, with no daemon and no session there; the trail records it, and the next daemon starts anew.
fn detached(world: &World) -> Result<()> {
    const WORDS: [&str; 2] = ["daemon", "--detach-all"];
    let pins = Path::new("/sys/fs/bpf/gatekeeper/links");
    let refused = |user: User, why: &str| -> Result<()> {
        let output = world.gatekeeper(user, &WORDS)?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success() && words.contains(why), "{user:?} heard {words:?} and not {why:?}");
        ensure!(pins.exists(), "{user:?} was refused, and the pins are gone");
        Ok(())
    };
    refused(User::Dev, "only root")?;
    refused(User::Root, "another daemon is running")?;
    let session = world.session("suite")?;
    let mut held = world.daemon();
    held.take().context("no daemon")?.stop();
    refused(User::Root, &session.id)?;
    *held = Some(Daemon::start(true)?);
    drop((held, session));
    until("the session's end", || Ok(world.ask_json(&["sessions", "--json"])?.is_empty().then_some(())))?;
    let mut held = world.daemon();
    held.take().context("no daemon")?.stop();
    let output = world.gatekeeper(User::Root, &WORDS)?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "it came to {words:?}");
    ensure!(!pins.exists(), "the pins are there");
    *held = Some(Daemon::start(true)?);
    drop(held);
    until("the record of it", || {
        let found = world.ask(&["audit", "search", "--kind", "hook", "--json"])?;
        Ok(found.contains("--detach-all").then_some(()))
    })?;
    live(world)
}
