//! Many opens while policies are replaced: each is judged by one policy or the other, whole, and every
//! event is received or counted as lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use gatekeeper::protocol::client::ask;
use gatekeeper::protocol::messages::{Answer, Request};
use serde_json::Value;

use crate::daemon::SOCKET;
use crate::fixtures::{self, OPEN};
use crate::policies::{fill, policy};
use crate::runner::Test;
use crate::session::Session;
use crate::suite::account::{Account, Since};
use crate::world::{PATIENCE, World, in_full};

const PROCESSES: usize = 8;
/// Opens in all, and replacements of the policy while they go on.
const OPENS: usize = 100_000;
const RELOADS: usize = 1_000;
/// The files: always let, never let, let by A alone, let by B alone.
const FILES: [&str; 4] = ["always", "never", "only-a", "only-b"];
/// Divisor of both where the test is not run in full.
const PART: usize = 10;
/// Opens of each file by each process before it answers.
const ROUND: usize = 25;

pub fn tests() -> Vec<Test> {
    vec![Test::new("load::opens_while_policies_are_replaced", storm)]
}

fn path(name: &str) -> String {
    format!("{OPEN}/load/{name}")
}

/// Odd generations are A, even ones B, as the first is A.
fn write_policy(world: &World, generation: usize) -> Result<()> {
    let denied = if generation % 2 == 1 { "only-b" } else { "only-a" };
    let text = fill(policy!("load"), &[("NEVER", &path("never")), ("DENIED", &path(denied))]);
    world.policy("load", &text)
}

/// Replaces the policy of every session; each must take it.
fn reload(expected: usize) -> Result<()> {
    let mut taken = 0;
    for answer in ask(Path::new(SOCKET), Request::Reload {})? {
        if let Answer::Reloaded { error, generation, .. } = answer? {
            ensure!(error.is_none(), "a session keeps its policy: {error:?}");
            ensure!(generation == Some(expected as u64), "generation {generation:?} instead of {expected}");
            taken += 1;
        }
    }
    ensure!(taken == 1, "{taken} sessions took the policy");
    Ok(())
}

/// Opens and replacements.
fn amount() -> (usize, usize) {
    if in_full() { (OPENS, RELOADS) } else { (OPENS / PART, RELOADS / PART) }
}

/// Let, refused, failed: for each file.
type Counts = [[u64; 3]; 4];

fn storm(world: &World) -> Result<()> {
    fixtures::folder(&format!("{OPEN}/load"))?;
    FILES.iter().try_for_each(|name| fixtures::file(&path(name)))?;
    // They would count as well.
    world.end_sessions()?;
    let account = Account::begin(world)?;
    write_policy(world, 1)?;
    let mut session = world.session("load")?;
    let begun = Instant::now();
    let (opens, reloads, counts) = with_workers(world, &mut session)?;
    let took = begun.elapsed().as_secs_f64();
    let since = account.end(world)?;
    println!(
        "  {opens} opens by {PROCESSES} processes while the policy was replaced {reloads} times, in {took:.0} s"
    );
    let (least, _) = amount();
    ensure!(opens as usize >= least, "only {opens} opens");
    let [always, never, only_a, only_b] = counts;
    ensure!(counts.iter().all(|count| count[2] == 0), "some failed otherwise: {counts:?}");
    ensure!(always[1] == 0, "{} refusals of what both policies allow", always[1]);
    ensure!(never[0] == 0, "{} opens of what both policies deny", never[0]);
    ensure!([only_a, only_b].iter().all(|count| count[0] > 0 && count[1] > 0), "no mixture: {counts:?}");
    let refused: u64 = counts.iter().map(|count| count[1]).sum();
    let refusals = refusals(&since, &session.id)?;
    let received: u64 = refusals.values().sum();
    since.balances()?;
    let lost = since.lost;
    ensure!(
        refused >= received && refused - received <= lost,
        "{refused} refused, {received} received, {lost} lost"
    );
    // Each refusal names a generation whose policy really refuses that file.
    for ((name, odd), count) in &refusals {
        let right = match name.as_str() {
            "never" => true,
            "only-a" => !odd,
            "only-b" => *odd,
            _ => false,
        };
        ensure!(right, "{count} refusals of {name} by a generation that allows it");
    }
    Ok(())
}

/// The workers are children of the session's actor in all but name: each its own process in its cgroup.
fn with_workers(world: &World, session: &mut Session) -> Result<(u64, usize, Counts)> {
    let listed = world.session_listed(&session.id)?.context("the session is not listed")?;
    let cgroup = listed["cgroup"].as_str().context("a session without cgroup")?;
    let mut workers = Vec::new();
    for _ in 0..PROCESSES {
        let worker = world.free(crate::world::User::Dev)?;
        fs::write(format!("{cgroup}/cgroup.procs"), worker.pid().to_string()).context("moving a worker")?;
        workers.push(worker);
    }
    let (opens, wanted) = amount();
    let rounds = opens.div_ceil(PROCESSES * FILES.len() * ROUND);
    let mut words = vec![ROUND.to_string()];
    words.extend(FILES.map(path));
    let mut counts = Counts::default();
    let mut reloads = 0;
    let pace = Pace::default();
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = workers
            .iter_mut()
            .enumerate()
            .map(|(place, worker)| {
                let words = &words;
                let pace = &pace;
                scope.spawn(move || -> Result<Counts> {
                    let mut counts = Counts::default();
                    for round in 0..rounds {
                        pace.before_round(round * PROCESSES + place, rounds * PROCESSES, wanted)?;
                        add(&mut counts, &worker.must("open-each", words)?)?;
                        pace.done(|progress| progress.rounds += 1);
                    }
                    Ok(counts)
                })
            })
            .collect();
        while reloads < wanted {
            pace.before_reload(reloads, wanted, rounds * PROCESSES)?;
            reloads += 1;
            write_policy(world, reloads + 1)?;
            reload(reloads + 1)?;
            pace.done(|progress| progress.reloads += 1);
        }
        for thread in threads {
            let theirs = thread.join().map_err(|_| anyhow::anyhow!("a worker's thread panicked"))??;
            for (sum, part) in counts.iter_mut().flatten().zip(theirs.iter().flatten()) {
                *sum += part;
            }
        }
        Ok(())
    })?;
    Ok((counts.iter().flatten().sum(), reloads, counts))
}

/// Keeps opens and replacements side by side to the end, whichever is faster on this machine.
#[derive(Default)]
struct Pace {
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    /// Rounds that workers have done, all together.
    rounds: usize,
    reloads: usize,
}

impl Pace {
    /// Waits while a worker is further on with its rounds than the replacements are. All workers' rounds
    /// are counted through, so that they don't all begin after the same replacement.
    fn before_round(&self, round: usize, rounds: usize, reloads: usize) -> Result<()> {
        self.wait(|progress| round.saturating_sub(PROCESSES) * reloads <= progress.reloads * rounds)
    }

    /// Waits while the replacements are further on than the workers.
    fn before_reload(&self, done: usize, reloads: usize, rounds: usize) -> Result<()> {
        let ahead = reloads / 50;
        self.wait(|progress| done.saturating_sub(ahead) * rounds <= progress.rounds * reloads)
    }

    fn wait(&self, may_go: impl Fn(&Progress) -> bool) -> Result<()> {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(progress, PATIENCE, |progress| !may_go(progress));
        let (progress, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        ensure!(
            !waited.timed_out(),
            "nothing moves after {} rounds and {} replacements",
            progress.rounds,
            progress.reloads
        );
        Ok(())
    }

    fn done(&self, what: impl FnOnce(&mut Progress)) {
        what(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

fn add(counts: &mut Counts, line: &[u8]) -> Result<()> {
    let line = std::str::from_utf8(line).context("a worker's counts")?;
    let numbers =
        line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>().context("a worker's counts")?;
    ensure!(numbers.len() == 12, "a worker answered {line}");
    for (sum, part) in counts.iter_mut().flatten().zip(numbers) {
        *sum += part;
    }
    Ok(())
}

/// Refusals in a session: by file, and whether the generation that refused is odd.
fn refusals(since: &Since, session: &str) -> Result<BTreeMap<(String, bool), u64>> {
    let mut refusals = BTreeMap::new();
    since.each_event(|line| {
        // Most of the trail is of this session; the rest is not worth reading.
        if !line.contains(session) {
            return Ok(());
        }
        let event: Value = serde_json::from_str(line)?;
        if event["actor"]["session"]["uid"] == session && event["unmapped"]["passed"] == false {
            let path = event["file"]["path"].as_str().unwrap_or_default();
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            let odd = event["unmapped"]["generation"].as_u64().unwrap_or_default() % 2 == 1;
            *refusals.entry((name, odd)).or_default() += 1;
        }
        Ok(())
    })?;
    Ok(refusals)
}
