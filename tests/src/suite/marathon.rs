//! Very many holds, decided by a program while the daemon is killed again and again: none is lost, none is decided
//! twice, none passes undecided, and each is in the record once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatekeeper::protocol::client::ask;
use gatekeeper::protocol::messages::{Answer, HoldAnswer, Holds, Request, RequestedScope};
use gatekeeper_record::decision::HoldId;
use gatekeeper_record::record::Object;
use serde_json::Value;

use super::hold::{ASKED, begin, ended, session};
use crate::daemon::{Daemon, SOCKET};
use crate::fixtures;
use crate::runner::Test;
use crate::world::{World, in_full, until, whole};

const PROCESSES: usize = 8;

pub fn tests() -> Vec<Test> {
    vec![Test::new("hold::many_while_the_daemon_is_killed", many).within(if whole() { 7200 } else { 300 })]
}

/// Holds, and how often the daemon is killed meanwhile.
fn amount() -> (usize, usize) {
    match (whole(), in_full()) {
        (true, _) => (10_000, 20),
        (false, true) => (80, 1),
        (false, false) => (40, 1),
    }
}

fn path(process: usize, number: usize) -> String {
    format!("{ASKED}/many/{process}-{number}")
}

/// Whether a file's deletion is approved: every other one.
fn is_approved(process: usize, number: usize) -> bool {
    (process + number).is_multiple_of(2)
}

fn verdict_on(path: &str) -> Option<bool> {
    let (process, number) = path.rsplit_once('/')?.1.split_once('-')?;
    Some(is_approved(process.parse().ok()?, number.parse().ok()?))
}

/// Returns the open holds, and whether each is to be approved.
fn waiting() -> Result<Vec<(HoldId, bool)>> {
    let mut all = Vec::new();
    for answer in ask(Path::new(SOCKET), Request::Holds(Holds::default()))? {
        if let Answer::Hold(held) = answer?
            && let Object::File { path, .. } = &held.event.object
            && let Some(approve) = verdict_on(path)
        {
            all.push((held.hold, approve));
        }
    }
    Ok(all)
}

/// Whether the daemon took it. One that is killed meanwhile may have, and not have answered.
fn decide(hold: HoldId, approve: bool) -> Result<bool> {
    let answer = HoldAnswer { hold, approve, scope: RequestedScope::default(), reason: None };
    let mut taken = false;
    for answer in ask(Path::new(SOCKET), Request::Decide(answer))? {
        taken |= matches!(answer?, Answer::Decided(decision) if decision.is_final);
    }
    Ok(taken)
}

/// Decides until the end; gives how often the daemon was killed.
fn decide_all(world: &World, over: &AtomicBool) -> Result<usize> {
    let (total, kills) = amount();
    let (mut taken, mut killed) = (BTreeMap::new(), 0);
    let begun = Instant::now();
    while !over.load(Ordering::SeqCst) {
        let due = killed < kills && taken.len() >= (killed + 1) * total / (kills + 1);
        let killer = due.then(|| -> Result<_> {
            let pid = world.daemon().as_ref().context("no daemon")?.pid();
            Ok(std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(u64::from(pid % 40)));
                // SAFETY: no pointers; nobody has waited for it, so that the number is still its own.
                unsafe { libc::kill(pid as i32, libc::SIGKILL) };
            }))
        });
        for (hold, approve) in waiting().unwrap_or_default() {
            // Without a daemon nobody takes it; it waits for the next.
            if decide(hold, approve).unwrap_or(false) {
                let before = taken.insert(hold, approve);
                ensure!(before.is_none(), "hold {hold} was decided twice");
            }
        }
        if let Some(killer) = killer {
            ensure!(killer?.join().is_ok(), "the killer panicked");
            let mut daemon = world.daemon();
            daemon.take().context("no daemon")?.kill()?;
            *daemon = Some(Daemon::start(true)?);
            killed += 1;
            println!("  {} holds decided after {:.0} s", taken.len(), begun.elapsed().as_secs_f64());
        }
    }
    Ok(killed)
}

fn many(world: &World) -> Result<()> {
    let (total, kills) = amount();
    let each = total / PROCESSES;
    let mut session = session(world)?;
    let id = session.id.clone();
    fixtures::folder(&format!("{ASKED}/many"))?;
    for process in 0..PROCESSES {
        (0..each).try_for_each(|number| fixtures::file(&path(process, number)))?;
    }
    let script = format!(
        "import os\n\
         for p in range({PROCESSES}):\n \
          if os.fork() == 0:\n  \
           for n in range({each}):\n   \
            try:\n    os.remove('{ASKED}/many/%d-%d' % (p, n)); let = True\n   \
            except PermissionError:\n    let = False\n   \
            if let != ((p + n) % 2 == 0): os.write(1, b'wrong: %d-%d\\n' % (p, n))\n  \
           os._exit(0)\n\
         for p in range({PROCESSES}): os.wait()\n"
    );
    begin(&mut session, &script)?;
    let over = AtomicBool::new(false);
    let (output, killed) = std::thread::scope(|scope| {
        let deciding = scope.spawn(|| decide_all(world, &over));
        let output = ended(&mut session);
        over.store(true, Ordering::SeqCst);
        (output, deciding.join().unwrap_or_else(|_| Err(anyhow::anyhow!("deciding panicked"))))
    });
    let (killed, (status, output)) = (killed?, output?);
    ensure!(status == 0 && output.is_empty(), "{status}: {output}");
    ensure!(killed == kills, "the daemon was killed {killed} times instead of {kills}");
    for process in 0..PROCESSES {
        for number in 0..each {
            let (path, approved) = (path(process, number), is_approved(process, number));
            ensure!(Path::new(&path).exists() != approved, "{path}: approved is {approved}");
        }
    }
    let records = until("the record of all", || {
        let found = world.ask_json(&["audit", "search", "--json", "--session", &id, "--kind", "decision"])?;
        Ok((found.len() >= total).then_some(found))
    })?;
    let mut decisions: BTreeMap<u64, usize> = BTreeMap::new();
    let mut approvals = 0;
    for record in &records {
        let hold = record["unmapped"]["decision"]["hold"]
            .as_u64()
            .with_context(|| format!("a decision on nothing: {record}"))?;
        *decisions.entry(hold).or_default() += 1;
        approvals += usize::from(record["unmapped"]["decision"]["approved"] == true);
    }
    let twice = |record: &&Value| {
        record["unmapped"]["decision"]["hold"].as_u64().is_some_and(|hold| decisions[&hold] > 1)
    };
    let twice: Vec<_> = records.iter().filter(twice).take(6).map(Value::to_string).collect();
    ensure!(twice.is_empty(), "recorded more than once: {}", twice.join("\n"));
    ensure!(decisions.len() == total, "{} decisions on {total} holds", decisions.len());
    ensure!(approvals == total / 2, "{approvals} approvals instead of {}", total / 2);
    println!("  {total} holds decided, {approvals} approved, while the daemon was killed {killed} times");
    fs::remove_dir_all(format!("{ASKED}/many")).context("tidying up")
}
