//! The escape suite: every attack must succeed outside any session, fail in one, and leave the session's
//! work as it was. See `tests/escapes/README.md`.

mod attack;
mod driver;
mod guard;
mod hold;
pub mod inside;
mod kit;
mod known;
mod outside;
mod peer;
mod run;
mod session_events;
mod shell;
mod table;
pub mod victim;
mod worker;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use gatekeeper::protocol::client::ask;
use gatekeeper::protocol::messages::Request;

use crate::daemon::{Daemon, SOCKET};
use crate::runner::{Choice, line};
use crate::world::World;
use attack::{Attack, Goal};
use known::Known;
use peer::Peer;
use run::{Outcome, SILENT};
use table::{Row, Verdict};
use worker::Worker;

/// The folder where sessions find the attacks and their tools.
pub const KIT: &str = "/srv/escapes/kit";
/// Attacks that run in parallel.
const WORKERS: usize = 2;
/// Tries of an attack outside any session.
const FREE_TRIES: u32 = 6;
/// Tries of an attack in a session where nothing is proved.
const BOUND_TRIES: u32 = 3;

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
    let peer = Peer::wanted()?;
    // Nobody but gatekeeper is to defend gatekeeper.
    let defended = |attack: &Attack| peer.is_none() || attack.door() != "self";
    let chosen: Vec<Attack> = chosen.into_iter().filter(defended).collect();
    kit::prepare(&from, &chosen)?;
    peer.map_or(Ok(()), Peer::prepare)?;
    println!("{} attacks were made in {:.1} s", chosen.len(), begun.elapsed().as_secs_f64());
    let world = World::build()?;
    let seen = outside::Seen::default();
    outside::listen(&seen)?;
    let workers = (0..WORKERS).map(|number| Worker::lay(number, &seen, peer)).collect::<Result<Vec<_>>>()?;

    let rows = Mutex::new(Vec::new());
    let (alone, parallel): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|attack| attack.alone);
    let parallel = Mutex::new(VecDeque::from(parallel));
    let next = || parallel.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let report = |row: Row| {
        println!("{row}");
        rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    };
    let complain = |worker: &Worker| {
        for error in worker.complaints() {
            let (name, door) = ("a session at its end".to_owned(), "work".to_owned());
            report(Row { name, door, verdict: Verdict::Broken, words: line(&error), took: Duration::ZERO });
        }
    };
    let judge = |worker: &Worker, attack: &Attack| {
        report(one(&world, worker, attack, &known));
        complain(worker);
    };
    let finish = |worker: &Worker| {
        worker.finish();
        complain(worker);
    };
    std::thread::scope(|scope| {
        for worker in &workers {
            scope.spawn(|| {
                while let Some(attack) = next() {
                    judge(worker, &attack);
                }
                finish(worker);
            });
        }
    });
    let (last, alone): (Vec<_>, Vec<_>) = alone.into_iter().partition(|attack| attack.last);
    alone.iter().for_each(|attack| judge(&workers[0], attack));
    finish(&workers[0]);
    last.iter().for_each(|attack| judge(&workers[0], attack));
    world.end();
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{}", table::of(&rows));
    println!("in {:.0} s", begun.elapsed().as_secs_f64());
    let failed = rows.iter().filter(|row| row.verdict.is_failure()).count();
    println!("{} passed, {failed} failed", rows.len() - failed);
    Ok(failed == 0)
}

/// One attack with its proofs.
fn one(world: &World, worker: &Worker, attack: &Attack, known: &[Known]) -> Row {
    let begun = Instant::now();
    let (verdict, words) = match judge(world, worker, attack, known) {
        Ok(judged) => judged,
        Err(error) => (Verdict::Broken, line(&error)),
    };
    Row { name: attack.name.clone(), door: attack.door().to_owned(), verdict, words, took: begun.elapsed() }
}

fn judge(world: &World, worker: &Worker, attack: &Attack, known: &[Known]) -> Result<(Verdict, String)> {
    if let Some(command) = &attack.needs {
        let shell = std::process::Command::new("/usr/bin/bash").args(["-c", command]).output()?;
        if !shell.status.success() {
            return Ok((Verdict::Impossible, format!("this kernel has not what it needs: {command}")));
        }
    }
    let run = |labelled, before: Option<&Outcome>| {
        let outcome = worker.run(world, attack, labelled, before);
        let healed = if !attack.last || labelled { heal(world, attack) } else { Ok(()) };
        let mut outcome = outcome.context(if labelled { "in a session" } else { "outside any session" })?;
        if outcome.work.is_ok() {
            outcome.work = healed;
        }
        Ok(outcome)
    };
    let (free, bound) = if attack.last {
        let bound = in_session(worker, attack, || run(true, None))?;
        (outside_any(attack, 1, || run(false, None)), bound)
    } else {
        let free = outside_any(attack, FREE_TRIES, || run(false, None))?;
        let bound = in_session(worker, attack, || run(true, Some(&free)))?;
        (Ok(free), bound)
    };
    if let (Ok(free), Some(_)) = (&free, std::env::var_os("GATEKEEPER_ESCAPES_TIMES")) {
        println!("  {}: outside {:?}, inside {:?}", attack.name, free.took, bound.took);
    }
    // What an attack did under a peer may be the end of the work.
    if worker.peer.is_some()
        && let Some(how) = bound.reached
    {
        return Ok((Verdict::Known, how));
    }
    let listed = known::lists(known, &attack.name);
    if let Some(how) = &bound.reached
        && !listed
    {
        let more = bound.work.err().map(|error| format!("; the work does not go on: {}", line(&error)));
        return Ok((Verdict::Escaped, format!("{how}{}", more.unwrap_or_default())));
    }
    free?;
    bound.work.context("the session's work does not go on")?;
    if worker.peer.is_some() {
        return Ok((Verdict::Blocked, format!("{}: {}", bound.ended, brief(&bound.output))));
    }
    if let Some(how) = bound.reached {
        return Ok((Verdict::Known, how));
    }
    ensure!(!listed, "KNOWN lists it, and it is blocked");
    match (bound.denials.last(), &attack.unrecorded) {
        (Some(event), _) => Ok((Verdict::Blocked, event.clone())),
        (None, Some(why)) => Ok((Verdict::Blocked, format!("no event: {why}"))),
        (None, None) => {
            bail!("blocked, but no event records it ({}): {}", bound.ended, brief(&bound.output))
        }
    }
}

/// Has it succeed outside any session. A race can be lost, and what a busy machine starts late comes too late.
fn outside_any(attack: &Attack, tries: u32, run: impl Fn() -> Result<Outcome>) -> Result<Outcome> {
    let (mut missed, mut failed) = (None, None);
    for turn in 1..=tries {
        let why = match run() {
            Ok(Outcome { work: Err(error), .. }) | Err(error) => {
                let why = line(&error);
                failed = Some(error);
                why
            }
            Ok(outcome) if outcome.reached.is_some() => return Ok(outcome),
            Ok(Outcome { ended, output, .. }) => {
                let why = format!("outside any session it does not succeed ({ended}): {}", brief(&output));
                missed.insert(why).clone()
            }
        };
        if turn < tries {
            println!("  {} is tried again: {why}", attack.name);
        }
    }
    match (missed, failed) {
        (None, Some(error)) => Err(error),
        (missed, _) => bail!("{}", missed.unwrap_or_default()),
    }
}

/// Has it fail in a session. What it reaches in any try is final; where nothing is proved, it is tried again.
fn in_session(worker: &Worker, attack: &Attack, run: impl Fn() -> Result<Outcome>) -> Result<Outcome> {
    for _ in 1..BOUND_TRIES {
        let outcome = run();
        let why = match &outcome {
            Ok(Outcome { reached: Some(_), .. }) => return outcome,
            Ok(Outcome { work: Err(error), .. }) => {
                format!("the session's work does not go on: {}", line(error))
            }
            Ok(Outcome { denials, ended, output, .. })
                if denials.is_empty() && attack.unrecorded.is_none() && worker.peer.is_none() =>
            {
                format!("blocked, but no event records it ({ended}): {}", brief(output))
            }
            Ok(_) => return outcome,
            Err(error) => line(error),
        };
        println!("  {} is tried again: {why}", attack.name);
    }
    run()
}

/// The end of an attack's output.
fn brief(output: &str) -> String {
    let output = output.trim().replace('\n', " | ");
    let from = output.char_indices().rev().nth(300).map_or(0, |(at, _)| at);
    output[from..].to_owned()
}

/// A description of what is wrong with the daemon: it must answer within the limit.
fn trouble(world: &World, limit: Duration) -> Option<String> {
    let pid = world.daemon().as_ref()?.pid();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    match state {
        None | Some('Z' | 'X') => return Some("the daemon is gone".into()),
        Some('T' | 't') => return Some("the daemon is stopped".into()),
        Some(_) => {}
    }
    // Asked in a thread, for it may never answer.
    let (answered, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let well = ask(Path::new(SOCKET), Request::Sessions {})
            .is_ok_and(|mut answers| answers.all(|one| one.is_ok()));
        let _ = answered.send(well);
    });
    match heard.recv_timeout(limit) {
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
    if trouble(world, SILENT).is_some() {
        let mut daemon = world.daemon();
        if let Some(old) = daemon.take() {
            old.stop();
        }
        *daemon = Some(Daemon::start(true).context("starting the daemon again")?);
    }
    Ok(())
}
