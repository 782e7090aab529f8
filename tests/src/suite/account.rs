//! Whether all events that the kernel made are in the trail, or counted.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::world::{PATIENCE, World};

const TRAIL: &str = "/var/lib/gatekeeper/trail";
/// So often in a row nothing is new before the trail is taken to be at rest.
const LOOKS: u32 = 3;
/// How a line of the trail says that it is an event: most of a long one are.
const EVENT: &str = "\"type\":\"event\"";
/// That events were lost.
const LOST: &str = "\"type\":\"lost\"";

/// What was made, received and lost since the machine started.
pub struct Account {
    pub made: u64,
    pub received: u64,
    /// By family, by a full buffer.
    pub lost: u64,
    /// Found to be missing by a daemon that came after one that had them in its hands.
    pub unexplained: u64,
}

impl Account {
    /// Received or known to be lost.
    pub fn told(&self) -> u64 {
        self.received + self.lost + self.unexplained
    }

    /// Whether all that was made since is received or counted lost.
    pub fn balances(&self, before: &Self) -> Result<()> {
        self.compare(before, |made, told| made == told)
    }

    /// The same; what a daemon told as it was killed may be told again by the next.
    pub fn misses_nothing(&self, before: &Self) -> Result<()> {
        self.compare(before, |made, told| made <= told)
    }

    fn compare(&self, before: &Self, fits: impl FnOnce(u64, u64) -> bool) -> Result<()> {
        let [made, received, lost, unexplained] = [
            self.made - before.made,
            self.received - before.received,
            self.lost - before.lost,
            self.unexplained - before.unexplained,
        ];
        println!("  {made} events: {received} received, {lost} lost, {unexplained} missed after a restart");
        ensure!(
            fits(made, received + lost + unexplained),
            "{made} events made, {received} received, {lost} lost, {unexplained} missed"
        );
        Ok(())
    }

    /// Once nothing comes any more.
    pub fn at_rest(world: &World) -> Result<Self> {
        let (mut last, mut same) = (None, 0);
        Self::when(world, |now| {
            same = if last.replace(now.told()) == Some(now.told()) { same + 1 } else { 0 };
            same == LOOKS
        })
    }

    /// Asking for events makes the daemon take in all that are there; what it has taken in, a thread of its own
    /// writes down. The last account where it does not become as it is wanted.
    pub fn when(world: &World, mut wanted: impl FnMut(&Self) -> bool) -> Result<Self> {
        let begun = Instant::now();
        loop {
            let account = Self::so_far(world)?;
            if wanted(&account) || begun.elapsed() > PATIENCE {
                return Ok(account);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn so_far(world: &World) -> Result<Self> {
        world.ask(&["events", "--json", "-n", "1"])?;
        let status = world.ask_json(&["status", "--json"])?.pop().context("no status")?;
        let counters = &status["counters"];
        let made = counters["events"].as_u64().context("no count of events")?;
        let lost = counters["lost"].as_object().context("no count of losses")?;
        let lost = lost.values().filter_map(Value::as_u64).sum();
        let (mut received, mut unexplained) = (0, 0);
        each_line_of_the_trail(|line| {
            if line.contains(EVENT) {
                received += 1;
            } else if line.contains(LOST) {
                let record: Value = serde_json::from_str(line)?;
                unexplained += record["unmapped"]["unexplained"].as_u64().unwrap_or(0);
            }
            Ok(())
        })?;
        Ok(Self { made, received, lost, unexplained })
    }
}

/// Reads the events of the whole trail on disk.
pub fn each_event(mut visit: impl FnMut(&str) -> Result<()>) -> Result<()> {
    each_line_of_the_trail(|line| if line.contains(EVENT) { visit(line) } else { Ok(()) })
}

fn each_line_of_the_trail(mut visit: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let mut segments = BTreeSet::new();
    for entry in fs::read_dir(TRAIL).context(TRAIL)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        segments.extend(name.split_once(".jsonl").map(|(number, _)| format!("{TRAIL}/{number}.jsonl")));
    }
    for plain in segments {
        match File::open(&plain) {
            Ok(text) => each_line(BufReader::new(text), &mut visit)?,
            // It is compressed, perhaps just now.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                unpacked(&format!("{plain}.gz"), &mut visit)?
            }
            Err(error) => return Err(error).context(plain),
        }
    }
    Ok(())
}

fn unpacked(path: &str, visit: &mut impl FnMut(&str) -> Result<()>) -> Result<()> {
    let mut unpack =
        Command::new("gzip").args(["-dc", path]).stdout(Stdio::piped()).spawn().context("gzip")?;
    let text = unpack.stdout.take().context("no output of gzip")?;
    each_line(BufReader::new(text), visit)?;
    ensure!(unpack.wait()?.success(), "{path} can't be unpacked");
    Ok(())
}

fn each_line(text: impl BufRead, visit: &mut impl FnMut(&str) -> Result<()>) -> Result<()> {
    for line in text.lines() {
        let line = line?;
        visit(&line).with_context(|| line.clone())?;
    }
    Ok(())
}
