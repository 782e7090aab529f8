//! Holds: what is asked about waits, and then passes or fails as if nothing had happened.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::fixtures;
use crate::policies::policy;
use crate::runner::Test;
use crate::session::Session;
use crate::world::{User, World, in_full, until};

mod deciding;
mod held;
mod operations;

/// The folder where everything is asked about.
pub(super) const ASKED: &str = "/srv/suite/asked";
const PYTHON: &str = "/usr/bin/python3";

const POLICY: &str = policy!("asking");

pub fn tests() -> Vec<Test> {
    let mut tests = vec![
        Test::new("hold::each_operation_waits_and_passes_or_fails", operations::operations),
        Test::new("hold::making_a_file_is_asked_once", operations::creation),
        Test::new("hold::arguments_are_shown_and_bind", held::arguments),
        Test::new("hold::threads", held::threads),
        Test::new("hold::the_held_can_not_let_themselves_go", held::escape),
    ];
    // What follows is the daemon's doing, and differs from kernel to kernel in nothing.
    if in_full() {
        tests.extend([
            Test::new("hold::outlives_the_daemon", held::outlives),
            Test::new("hold::nobody_in_time_means_no", held::timeout),
            Test::new("hold::an_approval_covers_what_was_chosen", deciding::scopes),
            Test::new("hold::no_more_approvals_than_there_is_room_for", deciding::many),
            Test::new("hold::what_changes_is_asked_anew", held::changed),
            Test::new("hold::who_may_decide", deciding::rights),
            Test::new("hold::a_session_sees_its_own_reasons_only", deciding::reasons),
            Test::new("hold::a_flood_is_shown_once_and_denied", held::flood),
        ]);
    }
    tests
}

pub(super) fn session(world: &World) -> Result<Session> {
    world.policy("asking", POLICY)?;
    for folder in [ASKED, "/srv/suite/asked-short", "/srv/suite/asked-two"] {
        fixtures::folder(folder)?;
    }
    world.session("asking")
}

/// The holds of a session, oldest first.
pub fn holds(world: &World, session: &str) -> Result<Vec<Value>> {
    let mut holds = world.ask_json(&["holds", "--json"])?;
    holds.retain(|hold| hold["event"]["session"] == session);
    Ok(holds)
}

pub fn number(hold: &Value) -> Result<String> {
    Ok(hold["hold"].as_u64().context("a hold without number")?.to_string())
}

/// Waits until so many wait, and gives them.
pub fn waiting(world: &World, session: &str, count: usize) -> Result<Vec<Value>> {
    until("the holds", || {
        let holds = holds(world, session)?;
        Ok((holds.len() >= count).then_some(holds))
    })
}

pub fn one(world: &World, session: &str) -> Result<Value> {
    let mut holds = waiting(world, session, 1)?;
    ensure!(holds.len() == 1, "{} holds instead of one: {holds:?}", holds.len());
    Ok(holds.remove(0))
}

fn decide(world: &World, user: User, words: &[&str]) -> Result<String> {
    let output = world.gatekeeper(user, words)?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(text) } else { bail!("{words:?}: {text}") }
}

pub fn answer(world: &World, verb: &str, hold: &Value) -> Result<()> {
    decide(world, User::Dev, &[verb, &number(hold)?]).map(drop)
}

/// Has the actor run something in the background of the test; what came of it is heard later.
pub fn begin(session: &mut Session, script: &str) -> Result<()> {
    session.send("run", &[PYTHON, "-c", script])
}

/// The exit status and the output of what was begun.
pub fn ended(session: &mut Session) -> Result<(i32, String)> {
    let bytes = session.hear()?.map_err(|errno| anyhow::anyhow!("it did not start: {errno}"))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (status, output) = text.split_once('\n').unwrap_or(("-1", ""));
    Ok((status.parse().unwrap_or(-1), output.to_owned()))
}

fn target() -> String {
    format!("{ASKED}/target")
}

fn file() -> Result<()> {
    let _ = fs::remove_file(format!("{ASKED}/other"));
    let _ = fs::remove_dir(target());
    fixtures::file(&target())
}

fn no_file() -> Result<()> {
    let _ = fs::remove_file(target());
    let _ = fs::remove_dir(target());
    ensure!(!is_there(), "{} is still there", target());
    Ok(())
}

fn is_there() -> bool {
    Path::new(&target()).exists()
}
