//! The escape suite: every attack must succeed outside any session, fail in one, and leave the session's
//! work as it was. `tests/escapes/README.md` says how attacks are written.

mod attack;
mod guard;
mod hold;
pub mod inside;
mod kit;
mod known;
mod lane;
mod outside;
mod table;
pub mod victim;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use gatekeeper::api::client::ask;
use gatekeeper::api::messages::{Answer, Events, Request};

use crate::daemon::Daemon;
use crate::runner::{Choice, line};
use crate::world::World;
use attack::{Attack, Goal};
use known::Known;
use lane::{Lane, Outcome};
use table::{Row, Verdict};

/// Where the daemon listens.
pub const SOCKET: &str = "/run/gatekeeper/control.sock";
/// Where sessions find attacks and what they are made with.
pub const KIT: &str = "/srv/escapes/kit";
/// How many attacks go on side by side.
const LANES: usize = 2;

/// Runs those chosen; succeeds where nothing came out otherwise than it must.
pub fn run(choice: &Choice) -> ExitCode {
    match try_run(choice) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("FAILED set-up: {}", line(&error));
            println!("0 passed, 1 failed");
            ExitCode::FAILURE
        }
    }
}

fn try_run(choice: &Choice) -> Result<bool> {
    let from = std::env::var_os("GATEKEEPER_ESCAPES").map(PathBuf::from);
    let from = from.unwrap_or_else(|| "/mnt/copy/tests/escapes".into());
    let all = attack::all(&from)?;
    let known = known::read(&from.join("KNOWN"), &all)?;
    let chosen: Vec<Attack> = all.into_iter().filter(|attack| choice.wants(&attack.name)).collect();
    if choice.list {
        chosen.iter().for_each(|attack| println!("{}", attack.name));
        return Ok(true);
    }
    let begun = Instant::now();
    kit::prepare(&from, &chosen)?;
    println!("{} attacks were made in {:.1} s", chosen.len(), begun.elapsed().as_secs_f64());
    let world = World::build()?;
    let seen = outside::Seen::default();
    outside::listen(&seen)?;
    let lanes = (0..LANES).map(|number| Lane::lay(number, &seen)).collect::<Result<Vec<_>>>()?;

    let rows = Mutex::new(Vec::new());
    let (alone, beside): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|attack| attack.alone);
    let beside = Mutex::new(VecDeque::from(beside));
    let next = || beside.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let judge = |lane: &Lane, attack: &Attack| {
        let row = one(&world, lane, attack, &known);
        println!("{row}");
        rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    };
    std::thread::scope(|scope| {
        for lane in &lanes {
            scope.spawn(|| {
                while let Some(attack) = next() {
                    judge(lane, &attack);
                }
            });
        }
    });
    let (last, alone): (Vec<_>, Vec<_>) = alone.into_iter().partition(|attack| attack.last);
    alone.iter().chain(&last).for_each(|attack| judge(&lanes[0], attack));
    world.end();
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{}", table::of(&rows));
    println!("in {:.0} s", begun.elapsed().as_secs_f64());
    let failed = rows.iter().filter(|row| row.verdict.is_failure()).count();
    println!("{} passed, {failed} failed", rows.len() - failed);
    Ok(failed == 0)
}

/// One attack with its proofs.
fn one(world: &World, lane: &Lane, attack: &Attack, known: &[Known]) -> Row {
    let begun = Instant::now();
    let (verdict, words) = match judge(world, lane, attack, known) {
        Ok(judged) => judged,
        Err(error) => (Verdict::Broken, line(&error)),
    };
    Row { name: attack.name.clone(), door: attack.door().to_owned(), verdict, words, took: begun.elapsed() }
}

fn judge(world: &World, lane: &Lane, attack: &Attack, known: &[Known]) -> Result<(Verdict, String)> {
    if let Some(command) = &attack.needs {
        let shell = std::process::Command::new("/usr/bin/bash").args(["-c", command]).output()?;
        if !shell.status.success() {
            return Ok((Verdict::Impossible, format!("this kernel has not what it needs: {command}")));
        }
    }
    let run = |labelled, before: Option<&Outcome>| {
        let outcome = lane.run(world, attack, labelled, before);
        if !attack.last || labelled {
            heal(world, attack)?;
        }
        outcome.context(if labelled { "in a session" } else { "outside any session" })
    };
    let (mut bound, mut told) = (None, Vec::new());
    if attack.last {
        let outcome = run(true, None)?;
        told = denials(outcome.session.as_deref().unwrap_or_default())?;
        bound = Some(outcome);
    }
    let free = run(false, None)?;
    if free.reached.is_none() {
        bail!("outside any session it does not succeed ({}): {}", free.ended, brief(&free.said));
    }
    let bound = match bound {
        Some(outcome) => outcome,
        None => {
            let outcome = run(true, Some(&free))?;
            told = denials(outcome.session.as_deref().unwrap_or_default())?;
            outcome
        }
    };
    if std::env::var_os("GATEKEEPER_ESCAPES_TIMES").is_some() {
        println!("  {}: outside {:?}, inside {:?}", attack.name, free.took, bound.took);
    }
    bound.work.context("the session's work does not go on")?;
    let listed = known::lists(known, &attack.name);
    if let Some(how) = bound.reached {
        let verdict = if listed { Verdict::Known } else { Verdict::Escaped };
        return Ok((verdict, how));
    }
    ensure!(!listed, "KNOWN lists it, and it is blocked");
    match (told.last(), &attack.untold) {
        (Some(event), _) => Ok((Verdict::Blocked, event.clone())),
        (None, Some(why)) => Ok((Verdict::Blocked, format!("untold: {why}"))),
        (None, None) => bail!("blocked, but no event tells of it ({}): {}", bound.ended, brief(&bound.said)),
    }
}

/// What was refused in a session, each in a few words.
fn denials(session: &str) -> Result<Vec<String>> {
    let session = session.parse().map_err(|_| anyhow::anyhow!("no session's id: {session:?}"))?;
    let events = Events { follow: false, session: Some(session), last: None };
    let mut told = Vec::new();
    for answer in ask(Path::new(SOCKET), Request::Events(events))? {
        if let Answer::Record(record) = answer? {
            let event = serde_json::to_value(&record)?;
            if event["type"] == "event" && event["passed"] == false {
                told.push(crate::events::brief(&event));
            }
        }
    }
    Ok(told)
}

/// The end of what an attack said.
fn brief(said: &str) -> String {
    let said = said.trim().replace('\n', " | ");
    let from = said.char_indices().rev().nth(300).map_or(0, |(at, _)| at);
    said[from..].to_owned()
}

/// What is wrong with the daemon.
fn trouble(world: &World) -> Option<String> {
    let pid = world.daemon().as_ref()?.pid();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    match state {
        None | Some('Z' | 'X') => return Some("the daemon is gone".into()),
        Some('T' | 't') => return Some("the daemon is stopped".into()),
        Some(_) => {}
    }
    // Asked in a thread, for it may never answer.
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let well = ask(Path::new(SOCKET), Request::Sessions {})
            .is_ok_and(|mut answers| answers.all(|one| one.is_ok()));
        let _ = told.send(well);
    });
    match heard.recv_timeout(Duration::from_secs(5)) {
        Ok(true) => None,
        _ => Some("the daemon does not answer".into()),
    }
}

/// Brings the daemon back where an attack got the better of it.
fn heal(world: &World, attack: &Attack) -> Result<()> {
    if attack.goal != Goal::Daemon {
        return Ok(());
    }
    if let Some(daemon) = world.daemon().as_ref() {
        // SAFETY: no pointers; a stopped daemon goes on, another does not mind.
        unsafe { libc::kill(daemon.pid() as i32, libc::SIGCONT) };
    }
    if trouble(world).is_some() {
        let mut daemon = world.daemon();
        if let Some(old) = daemon.take() {
            old.stop();
        }
        *daemon = Some(Daemon::start(true).context("starting the daemon again")?);
    }
    Ok(())
}
