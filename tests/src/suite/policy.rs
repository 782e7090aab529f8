//! Policies: refused with the place and the help, replaced while they bind, narrowed by their users.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::actor::Actor;
use crate::events::Denial;
use crate::failure::must_not_pass;
use crate::fixtures::{self, ACTOR, OPEN, WORK};
use crate::policies::policy;
use crate::runner::Test;
use crate::world::{User, World, until};

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("policy::refused_policy_starts_nothing", refused),
        Test::new("policy::reload", reload),
        Test::new("policy::hang_up_reloads", hang_up),
        Test::new("policy::own_file_only_narrows", own_file),
        Test::new("policy::ask_that_nobody_answers_is_denied", ask),
        Test::new("policy::audit_passes_and_is_recorded", audit),
    ]
}

/// Allows everything, in seven lines: tests count those that they add.
const ALL: &str = policy!("allow-all");

fn refused(world: &World) -> Result<()> {
    fixtures::folder(&format!("{OPEN}/policy-refused"))?;
    let trace = format!("{OPEN}/policy-refused/trace");
    let cases = [
        ("[[file]]\nverdict = \"deny\"\npath = []\n", 10, "empty"),
        ("[[file]]\nverdict = \"denny\"\npath = [\"/a\"]\n", 9, "denny"),
        ("[[file]]\nverdict = \"deny\"\npath = [\"${nowhere}/a\"]\n", 10, "nowhere"),
        ("[[file]]\nverdict = \"deny\"\npath = [\"relative\"]\n", 10, "relative"),
        ("[[tset]]\nfile = \"/etc/passwd\"\n", 8, "tset"),
        ("[[test]]\nfile = \"/etc/passwd\"\naccess = \"read\"\nexpect = \"deny\"\n", 8, "allow"),
    ];
    let run = |world: &World| {
        let touch = format!("echo started >{trace}");
        world.gatekeeper(User::Dev, &["run", "--policy", "refused", "--", "/usr/bin/bash", "-c", &touch])
    };
    world.policy("refused", ALL)?;
    let output = run(world)?;
    ensure!(output.status.success(), "the sound policy: {}", String::from_utf8_lossy(&output.stderr));
    for (text, line, word) in cases {
        fs::remove_file(&trace).context("the command was not started")?;
        world.policy("refused", &format!("{ALL}{text}"))?;
        let output = run(world)?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(125), "{text}: ended with {}: {words}", output.status);
        ensure!(words.contains(&format!("refused.toml:{line}:")), "{text}: no place in {words}");
        ensure!(words.contains(word), "{text}: no {word:?} in {words}");
        must_not_pass(!Path::new(&trace).exists(), format!("{text}: the command was started"))?;
        fs::write(&trace, "").context("writing the trace")?;
    }
    Ok(())
}

fn reload(world: &World) -> Result<()> {
    fixtures::folder(&format!("{OPEN}/policy-reload"))?;
    let file = format!("{OPEN}/policy-reload/file");
    fixtures::file(&file)?;
    let shut =
        format!("{ALL}[[file]]\nverdict = \"deny\"\npath = [\"{file}\"]\nreason = \"since the reload\"\n");
    world.policy("reload", ALL)?;
    let mut session = world.session("reload")?;
    session.must("read", &[&file])?;
    world.policy("reload", &shut)?;
    // Not before the reload is asked for.
    session.must("read", &[&file])?;
    world.ask(&["reload"])?;
    session.must_not("read", &[&file])?;
    world.expect(&session.id, &[Denial::of("read", &file, "since the reload")])?;
    let events = world.events(&session.id)?;
    let last = events.iter().rfind(|event| event["passed"] == false).context("nothing was refused")?;
    ensure!(last["generation"] == 2, "{last}");
    // A policy that is broken by now leaves the old one in force, and is reported.
    world.policy("reload", "version = 1\n[[file]]\nverdict = \"allow\"\n")?;
    let output = world.gatekeeper(User::Root, &["reload"])?;
    let words = String::from_utf8_lossy(&output.stdout);
    ensure!(!output.status.success() && words.contains("reload.toml:2:"), "{words}");
    session.must_not("read", &[&file])?;
    world.policy("reload", ALL)?;
    world.ask(&["reload"])?;
    session.must("read", &[&file]).map(drop)
}

/// SIGHUP does what `reload` does.
fn hang_up(world: &World) -> Result<()> {
    fixtures::folder(&format!("{OPEN}/policy-hang-up"))?;
    let file = format!("{OPEN}/policy-hang-up/file");
    fixtures::file(&file)?;
    world.policy("hang-up", ALL)?;
    let mut session = world.session("hang-up")?;
    session.must("read", &[&file])?;
    world.policy("hang-up", &format!("{ALL}[[file]]\nverdict = \"deny\"\npath = [\"{file}\"]\n"))?;
    let daemon = world.daemon().as_ref().context("no daemon")?.pid();
    world.free(User::Root)?.must("signal", &[daemon.to_string(), libc::SIGHUP.to_string()])?;
    until("the reload", || {
        let listed = world.session_listed(&session.id)?.context("the session is not listed")?;
        Ok((listed["policies"][0]["generation"] == 2).then_some(()))
    })?;
    session.must_not("read", &[&file])
}

/// An ordinary user's own file lies over the default policy.
fn own_file(world: &World) -> Result<()> {
    let folder = "/home/dev/project";
    let file = format!("{folder}/suite-own-file");
    fixtures::file(&file)?;
    let policy = format!("{OPEN}/own.toml");
    fixtures::file_with(
        &policy,
        format!("{ALL}[[exec]]\nverdict = \"allow\"\nprogram = [\"{ACTOR}\"]\n").as_bytes(),
    )?;
    let secret = "/home/dev/.ssh/id_ed25519";
    let start = |words: &[&str]| -> Result<String> {
        let output = world.gatekeeper(
            User::Dev,
            &[&["run", "--policy", &policy, "--workspace", folder, "--"], words].concat(),
        )?;
        Ok(format!("{:?} {}", output.status.code(), String::from_utf8_lossy(&output.stderr)))
    };
    let let_through = start(&["/usr/bin/cat", &file])?;
    ensure!(let_through.starts_with("Some(0)"), "{let_through}");
    let kept = start(&["/usr/bin/cat", secret])?;
    ensure!(kept.starts_with("Some(1)") && kept.contains("Operation not permitted"), "{kept}");
    fixtures::file_with(
        &policy,
        format!("{ALL}[[file]]\nverdict = \"deny\"\npath = [\"{file}\"]\n").as_bytes(),
    )?;
    let narrowed = start(&["/usr/bin/cat", &file])?;
    ensure!(narrowed.starts_with("Some(1)") && narrowed.contains("Operation not permitted"), "{narrowed}");
    // For root, who is the administrator, the file is all there is.
    let output = world.gatekeeper(
        User::Root,
        &["run", "--policy", &policy, "--workspace", WORK, "--", "/usr/bin/cat", secret],
    )?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::remove_file(&file).context("tidying up")
}

fn one_rule(world: &World, verdict: &str) -> Result<(Actor, String, String)> {
    fixtures::folder(&format!("{OPEN}/policy-{verdict}"))?;
    let file = format!("{OPEN}/policy-{verdict}/file");
    fixtures::file(&file)?;
    let rule = format!("[[file]]\nverdict = \"{verdict}\"\npath = [\"{file}\"]\nreason = \"one rule\"\n");
    world.policy(verdict, &format!("{ALL}[approval]\ntimeout = \"1s\"\n{rule}"))?;
    let (actor, id) = world.session(verdict)?.parts();
    Ok((actor, id, file))
}

fn ask(world: &World) -> Result<()> {
    let (mut actor, id, file) = one_rule(world, "ask")?;
    actor.must_not("read", &[&file])?;
    let events = world.events(&id)?;
    let event = events.iter().rfind(|event| event["operation"] == "read").context("no event")?;
    ensure!(event["verdict"] == "ask" && event["passed"] == false && event["cause"] == "decided", "{event}");
    Ok(())
}

fn audit(world: &World) -> Result<()> {
    let (mut actor, id, file) = one_rule(world, "audit")?;
    actor.must("read", &[&file])?;
    let events = world.events(&id)?;
    let event = events.iter().rfind(|event| event["operation"] == "read").context("no event")?;
    ensure!(
        event["verdict"] == "audit" && event["passed"] == true && event["reason"] == "one rule",
        "{event}"
    );
    ensure!(event["object"]["path"] == file.as_str(), "{event}");
    Ok(())
}
