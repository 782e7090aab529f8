//! `gatekeeper audit play`: the terminal of a session as it was.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;

use self::part::Part;
use super::super::output::{complain, json, out};
use gatekeeper_record::record::{Change, Record};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_trail::cast::{CastEvent, TimedEvent, digest, path, read};
use gatekeeper_trail::index::{Index, Query};
use gatekeeper_trail::terminal_filter::{Plain, Sieve};

mod part;

/// Arguments of `audit play`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The session.
    #[arg(value_name = "ID")]
    session: SessionId,
    /// So many times as fast.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Wait no longer than this where nothing happened.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = idle_limit)]
    idle_limit: f64,
    /// Only from the time of this record, which is of a program's start, until the session's next program is started.
    #[arg(long, value_name = "NUMBER")]
    record: Option<u64>,
    /// One JSON object a line: when, and what.
    #[arg(long, conflicts_with = "text")]
    json: bool,
    /// Only the text, without colours and what moves the cursor.
    #[arg(long)]
    text: bool,
    /// Every byte as it was written. Without this, only what draws is shown: what was recorded can't set the clipboard,
    /// change titles, or have this terminal type.
    #[arg(long, conflicts_with_all = ["json", "text"])]
    raw: bool,
}

/// A line of `--json`.
#[derive(Serialize)]
struct Shown<'a> {
    /// Seconds since the start.
    at: f64,
    /// Time of the output, as records have it.
    time: Moment,
    #[serde(flatten)]
    event: &'a CastEvent,
}

/// A number of the command line beyond its bounds.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("it is no number from {least} to {most}\n  help: write one, such as {such_as}")]
struct OutOfRange {
    least: f64,
    most: f64,
    such_as: f64,
}

/// Reads the speed: from a hundredth to a thousand times as fast.
fn speed(text: &str) -> Result<f64, OutOfRange> {
    between(text, OutOfRange { least: 0.01, most: 1000.0, such_as: 2.0 })
}

/// Reads the longest wait in seconds: from none to a day.
fn idle_limit(text: &str) -> Result<f64, OutOfRange> {
    between(text, OutOfRange { least: 0.0, most: 86_400.0, such_as: 0.5 })
}

fn between(text: &str, bounds: OutOfRange) -> Result<f64, OutOfRange> {
    let number = text.parse().ok().filter(|number| (bounds.least..=bounds.most).contains(number));
    number.ok_or(bounds)
}

/// Shows it.
///
/// # Errors
/// Where the recording is wrong, the trail can't be read, or standard output is no terminal or fails.
pub fn run(folder: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (speed, limit) = (arguments.speed, Duration::from_secs_f64(arguments.idle_limit));
    let file = path(folder.parent().unwrap_or(folder), arguments.session);
    if !file.exists() {
        bail!(
            "{}: session {} was not recorded: `gatekeeper run --record` does",
            file.display(),
            arguments.session
        );
    }
    let part = arguments.record.map(|record| Part::of(&Index::open(folder)?, arguments.session, record));
    let part = part.transpose()?.unwrap_or_default();
    let (_, happened) = read(&file).with_context(|| file.display().to_string())?;
    let sound = is_as_recorded(folder, arguments.session, &file)?;
    let mut before = match arguments.record {
        None => Duration::ZERO,
        // What came before is not waited for.
        Some(_) => happened.iter().find(|one| part.has(one.time)).map_or(Duration::ZERO, |one| one.at),
    };
    let mut out = out();
    let waits = std::io::stdout().is_terminal();
    if !waits && !arguments.json && !arguments.text && !arguments.raw {
        bail!("playing wants a terminal: use --text, --json or --raw");
    }
    let (mut sieve, mut words) = (Sieve::default(), Plain::default());
    for TimedEvent { at, time, event } in &happened {
        let wanted = part.has(*time);
        if arguments.json {
            if wanted {
                json(&mut out, &Shown { at: at.as_secs_f64(), time: *time, event })?;
            }
            continue;
        }
        let CastEvent::Output(text) = event else { continue };
        if !wanted {
            // A sequence may have begun before.
            words.text(text);
            sieve.draw(text);
            continue;
        }
        if arguments.text {
            out.write_all(words.text(text).as_bytes())?;
            continue;
        }
        if waits {
            thread::sleep((at.saturating_sub(before)).min(limit).div_f64(speed));
            before = *at;
        }
        let shown = if arguments.raw { text.clone() } else { sieve.draw(text) };
        std::io::stdout().write_all(shown.as_bytes())?;
        std::io::stdout().flush()?;
    }
    if !arguments.json && !arguments.text && !arguments.raw {
        std::io::stdout().write_all(sieve.restore().as_bytes())?;
    }
    if !sound {
        complain(&anyhow::anyhow!("this recording is not the one whose digest is on record: it was changed"));
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the recording is what the trail says it was, where its end is on record.
fn is_as_recorded(folder: &Path, session: SessionId, file: &Path) -> anyhow::Result<bool> {
    let index = Index::open(folder)?;
    let query =
        Query { session: Some(session.to_string()), kind: Some("session".into()), ..Query::default() };
    let ids = index.search(&query)?;
    for (_, line) in index.lines(&ids)? {
        if let Ok(Record::Session(change)) = line.record()
            && change.change == Change::Recorded
            && let Some((_, sum)) = change.note.as_deref().and_then(|note| note.split_once("sha256:"))
        {
            return Ok(digest(file)? == sum);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_wait_can_be_made_of_are_refused() {
        assert_eq!((speed("0.01"), speed("1000"), idle_limit("0")), (Ok(0.01), Ok(1000.0), Ok(0.0)));
        for bad in ["", "fast", "0", "-1", "1e-300", "1e300", "inf", "NaN"] {
            let error = speed(bad).unwrap_err().to_string();
            assert!(error.contains("from 0.01 to 1000\n  help: "), "{bad}: {error}");
        }
        for bad in ["-0.1", "86401", "1e300", "inf", "NaN"] {
            assert!(idle_limit(bad).is_err(), "{bad}");
        }
    }
}
