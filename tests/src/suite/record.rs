//! Required records: without room for them the operation is denied; all else goes on and is counted.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::actor::Actor;
use crate::daemon::{Daemon, STATE};
use crate::fixtures::{self, OPEN};
use crate::policies::{self, policy};
use crate::runner::Test;
use crate::suite::account::Account;
use crate::world::{User, World, in_full, until};

/// The place of the state while a small disk lies over it.
const ASIDE: &str = "/run/gatekeeper-suite/state";
/// Room on the small disk beyond what the state takes.
const ROOM: u64 = 4 << 20;
/// Refusals while the daemon is killed.
const OPENS: &str = "20000";

pub fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    // The daemon's doing, and some of its starts. Storms of records come last.
    if in_full() {
        tests.push(Test::new("record::required_on_a_full_disk", full_disk));
    }
    tests.push(Test::new("record::required_while_nobody_reads", nobody_reads));
    if in_full() {
        tests.push(Test::new("record::events_balance_across_restarts", across_restarts));
    }
    tests
}

fn path(name: &str) -> String {
    format!("{OPEN}/record/{name}")
}

/// Writes two policies that audit two files, one with a required record; one policy requires records of programs.
fn lay(world: &World) -> Result<()> {
    fixtures::folder(&format!("{OPEN}/record"))?;
    ["must", "may", "quiet"].iter().try_for_each(|name| fixtures::file(&path(name)))?;
    let [must, may, long] = ["must", "may", "long"].map(path);
    for (name, required) in [("record", ""), ("record-exec", "[record]\nrequired = [\"exec\"]\n")] {
        let values = [("NAME", name), ("MUST", must.as_str()), ("MAY", &may), ("LONG", &long)];
        let text = policies::fill(policy!("record"), &values);
        world.policy(name, &(text + required))?;
    }
    Ok(())
}

/// Checks the operations while records are taken.
fn recorded(plain: &mut Actor, starts: &mut Actor) -> Result<()> {
    for name in ["must", "may", "quiet"] {
        plain.must("read", &[&path(name)])?;
    }
    plain.must_run(&["/bin/true"])?;
    starts.must_run(&["/bin/true"]).map(drop)
}

/// Checks the operations while records are not taken.
fn unrecorded(plain: &mut Actor, starts: &mut Actor) -> Result<()> {
    plain.must_not("read", &[&path("must")])?;
    plain.must("read", &[&path("may")])?;
    plain.must("read", &[&path("quiet")])?;
    plain.must_run(&["/bin/true"])?;
    let started = starts.program(&["/bin/true"])?;
    ensure!(started == Err(libc::EPERM), "a program that has to be recorded: {started:?}");
    starts.must("read", &[&path("quiet")]).map(drop)
}

fn status(world: &World) -> Result<Value> {
    // It fails where sessions can't be opened, and that is not asked here.
    world.ask_json(&["status", "--json"])?.pop().context("no status")
}

fn count(status: &Value, of: &str, what: &str) -> u64 {
    status["counters"][of][what].as_u64().unwrap_or(0)
}

fn nobody_reads(world: &World) -> Result<()> {
    lay(world)?;
    let mut outside = world.free(User::Dev)?;
    let mut plain = world.session("record")?;
    let mut starts = world.session("record-exec")?;
    recorded(&mut plain, &mut starts)?;
    let (before, begun) = (status(world)?, Account::begin(world)?);
    // Refusals with long names fill the buffer soon.
    let mut long = path("long");
    while long.len() < 3800 {
        long.push_str(&format!("/{}", "x".repeat(200)));
    }
    fs::create_dir_all(&long).context("a long path")?;
    long.push_str("/file");
    fs::write(&long, "x").context("a file far down")?;
    let daemon = world.daemon().as_ref().context("no daemon")?.pid() as i32;
    // SAFETY: no pointers; the daemon is our child and not waited for.
    unsafe { libc::kill(daemon, libc::SIGSTOP) };
    let outcome = (|| {
        let counts = plain.must("open-each", &["3000", &long])?;
        ensure!(counts == b"0 3000 0", "{}", String::from_utf8_lossy(&counts));
        // What is left between the last of them and the end.
        for _ in 0..200 {
            plain.must("read", &[&path("may")])?;
        }
        plain.must_run(&["/bin/true"])?;
        outside.must("read", &[&path("must")])?;
        unrecorded(&mut plain, &mut starts)
    })();
    // SAFETY: as above.
    unsafe { libc::kill(daemon, libc::SIGCONT) };
    outcome?;
    until("records to be taken again", || Ok(plain.act("read", &[path("must")])?.ok().map(drop)))?;
    recorded(&mut plain, &mut starts)?;
    let after = status(world)?;
    let lost = count(&after, "lost", "file") - count(&before, "lost", "file");
    let denied = count(&after, "denied", "unrecorded") - count(&before, "denied", "unrecorded");
    println!("  {lost} file events lost, {denied} operations denied for want of a record");
    ensure!(lost > 0 && denied >= 2, "{lost} lost, {denied} denied");
    begun.end(world)?.balances()?;
    drop((plain, starts));
    world.empty_state()
}

/// Events that a killed daemon had read are counted by the next.
fn across_restarts(world: &World) -> Result<()> {
    lay(world)?;
    let shut = path("long/shut");
    fixtures::folder(&path("long"))?;
    fixtures::file(&shut)?;
    let mut session = world.session("record")?;
    let begun = Account::begin(world)?;
    std::thread::scope(|scope| {
        let storm = scope.spawn(|| session.must("open-each", &[OPENS, &shut]));
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(200));
            let mut held = world.daemon();
            held.take().context("no daemon")?.kill()?;
            *held = Some(Daemon::start(true)?);
        }
        let counts = storm.join().map_err(|_| anyhow::anyhow!("the storm broke"))??;
        ensure!(counts == format!("0 {OPENS} 0").as_bytes(), "{}", String::from_utf8_lossy(&counts));
        Ok(())
    })?;
    let since = begun.end(world)?;
    ensure!(since.made >= OPENS.parse()?, "too few events");
    since.misses_nothing()?;
    drop(session);
    world.empty_state()
}

fn full_disk(world: &World) -> Result<()> {
    lay(world)?;
    world.daemon().take().context("no daemon")?.stop();
    let result = small_disk().and_then(|()| {
        *world.daemon() = Some(Daemon::start(true)?);
        let result = until_full(world);
        if let Some(daemon) = world.daemon().take() {
            daemon.stop();
        }
        result
    });
    large_disk()?;
    *world.daemon() = Some(Daemon::start(true)?);
    complete(world, &result?)
}

fn run(words: &[&str]) -> Result<()> {
    let (program, arguments) = words.split_first().context("no program")?;
    let output = Command::new(program).args(arguments).output().with_context(|| format!("{words:?}"))?;
    ensure!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

fn size(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        sum += if about.is_dir() { size(&entry.path())? } else { about.len().next_multiple_of(4096) };
    }
    Ok(sum)
}

/// Puts the state on a disk of its own with little room.
fn small_disk() -> Result<()> {
    fs::create_dir_all(ASIDE)?;
    let option = format!("size={},mode=700", size(Path::new(STATE))? + ROOM);
    run(&["mount", "-t", "tmpfs", "-o", &option, "tmpfs", ASIDE])?;
    run(&["cp", "-a", &format!("{STATE}/."), ASIDE])?;
    run(&["mount", "--move", ASIDE, STATE]).or_else(|_| run(&["mount", "--bind", ASIDE, STATE]))
}

/// Takes the state back to where it was.
fn large_disk() -> Result<()> {
    let kept = "/run/gatekeeper-suite/state-kept";
    fs::create_dir_all(kept)?;
    run(&["cp", "-a", &format!("{STATE}/."), kept])?;
    run(&["umount", STATE])?;
    run(&["cp", "-a", &format!("{kept}/."), STATE])?;
    fs::remove_dir_all(kept).context(kept)
}

fn until_full(world: &World) -> Result<String> {
    let mut outside = world.free(User::Dev)?;
    let mut plain = world.session("record")?;
    let mut starts = world.session("record-exec")?;
    recorded(&mut plain, &mut starts)?;
    let before = status(world)?;
    let filler = format!("{STATE}/filler");
    fill(&filler)?;
    // Records go on until the file they are in needs another page.
    until("the disk to be full", || {
        plain.act("read", &[path("may")])?.ok();
        Ok(status(world)?["trail"]["error"].as_str().map(str::to_owned))
    })?;
    until("the kernel to have it", || {
        Ok((plain.act("read", &[path("must")])? == Err(libc::EPERM)).then_some(()))
    })?;
    outside.must("read", &[&path("must")])?;
    for _ in 0..10 {
        unrecorded(&mut plain, &mut starts)?;
    }
    let words = world.ask(&["status"])?;
    ensure!(words.contains("the trail can't be written") && words.contains("is denied"), "{words}");
    fs::remove_file(&filler)?;
    until("records to be taken again", || Ok(plain.act("read", &[path("must")])?.ok().map(drop)))?;
    recorded(&mut plain, &mut starts)?;
    until("all to be written", || {
        let now = status(world)?;
        let done =
            now["unwritten"] == 0 && now["trail"]["pending_required"] == 0 && now["trail"]["error"].is_null();
        Ok(done.then_some(()))
    })?;
    let after = status(world)?;
    let denied = count(&after, "denied", "unrecorded") - count(&before, "denied", "unrecorded");
    println!("  {denied} operations denied for want of a record");
    ensure!(denied >= 20, "{denied} denied");
    Ok(plain.id.clone())
}

/// Checks that each read of the file that must be recorded has its record.
fn complete(world: &World, session: &str) -> Result<()> {
    let passed =
        world.ask_json(&["audit", "search", "--json", "--session", session, "--path", &path("must")])?;
    let reads = passed.iter().filter(|record| record["unmapped"]["passed"] == true).count();
    ensure!(reads >= 3, "{reads} reads of {} are recorded", path("must"));
    ensure!(world.ask(&["audit", "verify"])?.contains("whole"), "the trail is not whole");
    Ok(())
}

fn fill(filler: &str) -> Result<()> {
    let mut file = File::create(filler)?;
    for length in [64 << 10, 4 << 10, 1] {
        let block = vec![7; length];
        while file.write_all(&block).is_ok() {}
    }
    Ok(())
}
