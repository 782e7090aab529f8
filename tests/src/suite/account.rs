//! Whether all events that the kernel made are in the trail, or counted.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::world::{PATIENCE, World, until};

const TRAIL: &str = "/var/lib/gatekeeper/trail";
/// Looks in a row without anything new before the trail is taken to be at rest.
const LOOKS: u32 = 3;
/// The part of the trail's line that marks an event: most lines of a long trail are events.
const EVENT: &str = "\"type\":\"event\"";
/// The part that marks lost events.
const LOST: &str = "\"type\":\"lost\"";

/// The end of a trail: the number of its last segment, and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    segment: u64,
    bytes: u64,
}

/// The kernel's counters and the end of the trail at the start of a test.
pub struct Account {
    /// Events made and lost since the machine started; lost to a full buffer, of all families.
    made: u64,
    lost: u64,
    from: End,
}

impl Account {
    /// Begins an account once nothing comes any more.
    pub fn begin(world: &World) -> Result<Self> {
        let (mut last, mut same) = (None, 0);
        until("the trail's rest", || {
            let (made, lost) = kernel(world)?;
            let now = (made, lost, end()?);
            same = if last.replace(now) == Some(now) { same + 1 } else { 0 };
            std::thread::sleep(Duration::from_millis(300));
            let (made, lost, from) = now;
            Ok((same == LOOKS).then_some(Self { made, lost, from }))
        })
    }

    /// Counts the events since, once all that were made are received or known to be lost. Returns the counts as they
    /// are where that takes longer than [`PATIENCE`].
    pub fn end(self, world: &World) -> Result<Since> {
        let begun = Instant::now();
        let (mut at, mut counted) = (self.from, Counted::default());
        loop {
            let (made, lost) = kernel(world)?;
            counted.take_in(&mut at)?;
            let since = Since { made: made - self.made, lost: lost - self.lost, counted, from: self.from };
            if since.explained() >= since.made || begun.elapsed() > PATIENCE {
                return Ok(since);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

/// Counts read from the trail.
#[derive(Clone, Copy, Default)]
struct Counted {
    received: u64,
    /// Found to be missing by a daemon that came after one that had them in its hands.
    missed: u64,
}

impl Counted {
    /// Adds the records that the trail has gained since it ended there, and moves that end.
    fn take_in(&mut self, at: &mut End) -> Result<()> {
        each_line_from(at, |line| {
            if line.contains(EVENT) {
                self.received += 1;
            } else if line.contains(LOST) {
                let record: Value = serde_json::from_str(line)?;
                self.missed += record["unmapped"]["unexplained"].as_u64().unwrap_or(0);
            }
            Ok(())
        })
    }
}

/// The events of some time: made by the kernel, received, lost.
pub struct Since {
    pub made: u64,
    pub lost: u64,
    counted: Counted,
    from: End,
}

impl Since {
    /// Events received or known to be lost.
    fn explained(&self) -> u64 {
        self.counted.received + self.lost + self.counted.missed
    }

    /// Whether all that was made is received or counted lost.
    pub fn balances(&self) -> Result<()> {
        self.compare(|made, explained| made == explained)
    }

    /// Whether at least as many are; events of a killed daemon may be received again by the next.
    pub fn misses_nothing(&self) -> Result<()> {
        self.compare(|made, explained| made <= explained)
    }

    fn compare(&self, fits: impl FnOnce(u64, u64) -> bool) -> Result<()> {
        let Self { made, lost, counted: Counted { received, missed }, .. } = self;
        println!("  {made} events: {received} received, {lost} lost, {missed} missed after a restart");
        ensure!(
            fits(*made, self.explained()),
            "{made} events made, {received} received, {lost} lost, {missed} missed"
        );
        Ok(())
    }

    /// Reads the events of that time from the trail on disk.
    pub fn each_event(&self, mut visit: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let mut at = self.from;
        each_line_from(&mut at, |line| if line.contains(EVENT) { visit(line) } else { Ok(()) })
    }
}

/// Returns the kernel's counts of events made and lost. Asking for events makes the daemon take in all that are
/// there; what it has taken in, a thread of its own writes down.
fn kernel(world: &World) -> Result<(u64, u64)> {
    world.ask(&["events", "--json", "-n", "1"])?;
    let status = world.ask_json(&["status", "--json"])?.pop().context("no status")?;
    let counters = &status["counters"];
    let made = counters["events"].as_u64().context("no count of events")?;
    let lost = counters["lost"].as_object().context("no count of losses")?;
    Ok((made, lost.values().filter_map(Value::as_u64).sum()))
}

/// The numbers of all segments, compressed or not.
fn segments() -> Result<BTreeSet<u64>> {
    let mut segments = BTreeSet::new();
    for entry in fs::read_dir(TRAIL).context(TRAIL)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        segments.extend(name.split_once(".jsonl").and_then(|(number, _)| number.parse::<u64>().ok()));
    }
    Ok(segments)
}

fn path(segment: u64) -> String {
    format!("{TRAIL}/{segment:016}.jsonl")
}

fn end() -> Result<End> {
    let segment = segments()?.pop_last().context("a trail without segments")?;
    let path = path(segment);
    Ok(End { segment, bytes: fs::metadata(&path).context(path)?.len() })
}

/// Reads all whole lines from a place of the trail on, and moves the place behind them.
fn each_line_from(at: &mut End, mut visit: impl FnMut(&str) -> Result<()>) -> Result<()> {
    for segment in segments()?.split_off(&at.segment) {
        if segment > at.segment {
            *at = End { segment, bytes: 0 };
        }
        let plain = path(segment);
        match File::open(&plain) {
            Ok(mut text) => {
                text.seek(SeekFrom::Start(at.bytes)).context(plain)?;
                at.bytes += each_line(BufReader::new(text), &mut visit)?;
            }
            // It is compressed, perhaps just now.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                at.bytes += unpacked(&format!("{plain}.gz"), at.bytes, &mut visit)?;
            }
            Err(error) => return Err(error).context(plain),
        }
    }
    Ok(())
}

fn unpacked(path: &str, from: u64, visit: &mut impl FnMut(&str) -> Result<()>) -> Result<u64> {
    let mut unpack =
        Command::new("gzip").args(["-dc", path]).stdout(Stdio::piped()).spawn().context("gzip")?;
    let mut text = BufReader::new(unpack.stdout.take().context("no output of gzip")?);
    std::io::copy(&mut (&mut text).take(from), &mut std::io::sink())?;
    let read = each_line(text, visit)?;
    ensure!(unpack.wait()?.success(), "{path} can't be unpacked");
    Ok(read)
}

/// Every whole line; how many bytes they take.
fn each_line(mut text: impl BufRead, visit: &mut impl FnMut(&str) -> Result<()>) -> Result<u64> {
    let (mut read, mut line) = (0, String::new());
    while text.read_line(&mut line)? > 0 && line.ends_with('\n') {
        visit(&line).with_context(|| line.clone())?;
        read += line.len() as u64;
        line.clear();
    }
    Ok(read)
}
