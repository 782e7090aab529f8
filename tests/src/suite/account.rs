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
/// So often in a row nothing is new before the trail is taken to be at rest.
const LOOKS: u32 = 3;
/// How a line of the trail says that it is an event: most of a long one are.
const EVENT: &str = "\"type\":\"event\"";
/// That events were lost.
const LOST: &str = "\"type\":\"lost\"";

/// Where a trail ends: the number of its last segment, and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    segment: u64,
    bytes: u64,
}

/// What was made, received and lost from some moment on.
pub struct Account {
    /// Both since the machine started; lost to a full buffer, of all families.
    made: u64,
    lost: u64,
    /// Both since the trail ended there.
    received: u64,
    /// Found to be missing by a daemon that came after one that had them in its hands.
    unexplained: u64,
    from: End,
}

impl Account {
    /// From now on, once nothing comes any more.
    pub fn begin(world: &World) -> Result<Self> {
        let (mut last, mut same) = (None, 0);
        until("the trail's rest", || {
            let (made, lost) = kernel(world)?;
            let now = (made, lost, end()?);
            same = if last.replace(now) == Some(now) { same + 1 } else { 0 };
            std::thread::sleep(Duration::from_millis(300));
            let (made, lost, from) = now;
            Ok((same == LOOKS).then_some(Self { made, lost, received: 0, unexplained: 0, from }))
        })
    }

    /// What has come since, once all that was made is received or known to be lost; as it is where that does not
    /// become so.
    pub fn end(mut self, world: &World) -> Result<Since> {
        let begun = Instant::now();
        let mut at = self.from;
        loop {
            let (made, lost) = kernel(world)?;
            self.take_in(&mut at)?;
            let since = Since {
                made: made - self.made,
                received: self.received,
                lost: lost - self.lost,
                unexplained: self.unexplained,
                from: self.from,
            };
            if since.told() >= since.made || begun.elapsed() > PATIENCE {
                return Ok(since);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Counts what has been written since the trail ended there.
    fn take_in(&mut self, at: &mut End) -> Result<()> {
        let (received, unexplained) = (&mut self.received, &mut self.unexplained);
        each_line_from(at, |line| {
            if line.contains(EVENT) {
                *received += 1;
            } else if line.contains(LOST) {
                let record: Value = serde_json::from_str(line)?;
                *unexplained += record["unmapped"]["unexplained"].as_u64().unwrap_or(0);
            }
            Ok(())
        })
    }
}

/// What became of the events of some time.
pub struct Since {
    pub made: u64,
    received: u64,
    pub lost: u64,
    unexplained: u64,
    from: End,
}

impl Since {
    /// Received or known to be lost.
    fn told(&self) -> u64 {
        self.received + self.lost + self.unexplained
    }

    /// Whether all that was made is received or counted lost.
    pub fn balances(&self) -> Result<()> {
        self.compare(|made, told| made == told)
    }

    /// The same; what a daemon told as it was killed may be told again by the next.
    pub fn misses_nothing(&self) -> Result<()> {
        self.compare(|made, told| made <= told)
    }

    fn compare(&self, fits: impl FnOnce(u64, u64) -> bool) -> Result<()> {
        let Self { made, received, lost, unexplained, .. } = self;
        println!("  {made} events: {received} received, {lost} lost, {unexplained} missed after a restart");
        ensure!(
            fits(*made, self.told()),
            "{made} events made, {received} received, {lost} lost, {unexplained} missed"
        );
        Ok(())
    }

    /// Reads the events of that time from the trail on disk.
    pub fn each_event(&self, mut visit: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let mut at = self.from;
        each_line_from(&mut at, |line| if line.contains(EVENT) { visit(line) } else { Ok(()) })
    }
}

/// How many events the kernel made, and how many of them it lost. Asking for events makes the daemon take in all that are
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
