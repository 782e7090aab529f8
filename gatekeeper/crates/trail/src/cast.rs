//! Recordings of a session's terminal, in asciicast v3 (<https://docs.asciinema.org/manual/asciicast/v3/>).

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::files;
use crate::log::merkle::hex;
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

/// The folder of recordings, in the state folder.
pub const FOLDER: &str = "recordings";
/// Bytes of one recording, at most.
pub const MOST: u64 = 256 << 20;

/// The beginning of the comment with the time at which a recording began.
const BEGUN: &str = "# begun ";
/// The beginning of the comment with the time that the clock shows now.
const NOW: &str = "# now ";

/// Size of a terminal: columns and rows.
pub type Size = (u16, u16);

/// An event on a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CastEvent {
    /// It was written to.
    Output(String),
    /// It got another size.
    Resize(Size),
    /// The command ended with this status.
    Exit(i32),
    /// Something to know about the recording itself.
    Marker(String),
}

/// The head of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// 3.
    pub version: u8,
    /// The terminal at the start.
    pub term: Terminal,
    /// Seconds since 1970 at the start.
    pub timestamp: i64,
    /// The command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The session.
    pub title: String,
}

/// A terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// As in `TERM`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A recording that is being written.
#[derive(Debug)]
pub struct Recording {
    file: File,
    digest: Sha256,
    bytes: u64,
    last: Moment,
    full: bool,
}

/// Returns the path of a session's recording.
#[must_use]
pub fn path(state: &Path, session: SessionId) -> PathBuf {
    state.join(FOLDER).join(format!("{session}.cast"))
}

impl Recording {
    /// Begins one; there must be none yet.
    ///
    /// # Errors
    /// Where there is one, or it can't be written.
    pub fn begin(
        state: &Path,
        session: SessionId,
        term: Terminal,
        command: String,
        now: Moment,
    ) -> io::Result<Self> {
        files::make_folder(&state.join(FOLDER), 0o700)?;
        let path = path(state, session);
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        let head = Head {
            version: 3,
            term,
            timestamp: now.micros().div_euclid(1_000_000),
            command: Some(command).filter(|command| !command.is_empty()),
            title: format!("gatekeeper session {session}"),
        };
        let mut recording = Self { file, digest: Sha256::new(), bytes: 0, last: now, full: false };
        let head = serde_json::to_string(&head)?;
        // The head's time is in whole seconds; records are finer.
        recording.write(&format!("{head}\n{BEGUN}{now}\n"))?;
        Ok(recording)
    }

    /// Takes in what happened.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn add(&mut self, event: &CastEvent, now: Moment) -> io::Result<()> {
        let marker;
        let event = if self.bytes > MOST && matches!(event, CastEvent::Output(_)) {
            if self.full {
                return Ok(());
            }
            self.full = true;
            marker =
                CastEvent::Marker("the recording is full: what was written from here on is missing".into());
            &marker
        } else {
            event
        };
        let (code, data) = match event {
            CastEvent::Output(text) => ("o", text.clone()),
            CastEvent::Resize((columns, rows)) => ("r", format!("{columns}x{rows}")),
            CastEvent::Exit(status) => ("x", status.to_string()),
            CastEvent::Marker(text) => ("m", text.clone()),
        };
        let since = now.micros().saturating_sub(self.last.micros()).max(0);
        // Where the clock was set back, the lengths alone would not lead to the time any more.
        let set_back = if now < self.last { format!("{NOW}{now}\n") } else { String::new() };
        self.last = now;
        let data = serde_json::to_string(&data)?;
        let (seconds, micros) = (since / 1_000_000, since % 1_000_000);
        self.write(&format!("{set_back}[{seconds}.{micros:06}, \"{code}\", {data}]\n"))
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.digest.update(text);
        self.bytes = self.bytes.saturating_add(text.len() as u64);
        Ok(())
    }

    /// Ends it; its bytes and their digest, in hexadecimal.
    ///
    /// # Errors
    /// Where it can't be synchronized with the disk.
    pub fn end(self) -> io::Result<(u64, String)> {
        self.file.sync_all()?;
        Ok((self.bytes, hex(&self.digest.finalize().into())))
    }
}

/// Recordings that nothing was added to for so long, with their sessions.
///
/// # Errors
/// Where the folder of recordings can't be read.
pub fn older_than(state: &Path, age: Duration) -> io::Result<Vec<(SessionId, PathBuf)>> {
    let entries = match fs::read_dir(state.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut old = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".cast"));
        let Some(session) = name.and_then(|name| name.parse().ok()) else { continue };
        let about = fs::symlink_metadata(&path)?;
        let idle = SystemTime::now().duration_since(about.modified()?).unwrap_or_default();
        if about.is_file() && idle >= age {
            old.push((session, path));
        }
    }
    Ok(old)
}

/// The digest of a recording as it lies there now.
///
/// # Errors
/// Where it can't be read.
pub fn digest(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    let (mut file, mut chunk) = (File::open(path)?, vec![0; 64 << 10]);
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            count => digest.update(chunk.get(..count).unwrap_or_default()),
        }
    }
    Ok(hex(&digest.finalize().into()))
}

/// An event with its time, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedEvent {
    /// The time since the start.
    pub at: Duration,
    /// The time on the clock that records go by.
    pub time: Moment,
    /// The event.
    pub event: CastEvent,
}

/// Reads a recording back.
///
/// # Errors
/// Where it can't be read, or is no recording in asciicast v3. The number of the line is named.
pub fn read(path: &Path) -> io::Result<(Head, Vec<TimedEvent>)> {
    let bad = |problem: String| io::Error::new(io::ErrorKind::InvalidData, problem);
    let mut lines = BufReader::new(fs::File::open(path)?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let head: Head = serde_json::from_str(&first)?;
    if head.version != 3 {
        return Err(bad(format!("version {} of asciicast is not read here, only 3", head.version)));
    }
    let (mut at, mut all) = (Duration::ZERO, Vec::new());
    // What the clock showed, and how long after the start.
    let mut known = (Moment::from_micros(head.timestamp.saturating_mul(1_000_000)), Duration::ZERO);
    for (number, line) in (2..).zip(lines) {
        let line = line?;
        let wrong = |why: &dyn std::fmt::Display| bad(format!("line {number}: {why}"));
        if let Some(time) = line.strip_prefix(BEGUN).or(line.strip_prefix(NOW)) {
            known = (time.parse().map_err(|error| wrong(&error))?, at);
        }
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let (since, code, data): (f64, String, String) =
            serde_json::from_str(&line).map_err(|error| wrong(&error))?;
        let since = Duration::try_from_secs_f64(since).map_err(|error| wrong(&error))?;
        at = at.checked_add(since).ok_or_else(|| wrong(&"the recording is longer than any time"))?;
        let event = match code.as_str() {
            "o" => CastEvent::Output(data),
            "r" => {
                let size = data.split_once('x').and_then(|(c, r)| Some((c.parse().ok()?, r.parse().ok()?)));
                CastEvent::Resize(size.ok_or_else(|| wrong(&"no size"))?)
            }
            "x" => CastEvent::Exit(data.parse().map_err(|error: std::num::ParseIntError| wrong(&error))?),
            "m" => CastEvent::Marker(data),
            _ => continue,
        };
        let time = known.0.after(at.saturating_sub(known.1));
        all.push(TimedEvent { at, time, event });
    }
    Ok((head, all))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn id() -> SessionId {
        SessionId::from_kernel(77).unwrap()
    }

    #[test]
    fn a_recording_there_and_back() {
        let state = tempfile::tempdir().unwrap();
        let moment = |micros: i64| Moment::from_micros(1_800_000_000_000_000 + micros);
        let term = Terminal { cols: 80, rows: 24, kind: Some("xterm".into()) };
        let begin = || Recording::begin(state.path(), id(), term.clone(), "bash -i".into(), moment(250_000));
        let mut recording = begin().unwrap();
        recording.add(&CastEvent::Output("a\u{1b}[31m\"é\r\n".into()), moment(1_250_000)).unwrap();
        recording.add(&CastEvent::Resize((100, 30)), moment(1_250_500)).unwrap();
        recording.add(&CastEvent::Exit(3), moment(2_000_000)).unwrap();
        let (bytes, sum) = recording.end().unwrap();
        let path = path(state.path(), id());
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                r#"{"version":3,"term":{"cols":80,"rows":24,"type":"xterm"},"timestamp":1800000000,"command":"bash -i","title":"gatekeeper session ID"}"#
                    .replace("ID", &id().to_string())
                    .as_str(),
                "# begun 2027-01-15T08:00:00.250000Z",
                "[1.000000, \"o\", \"a\\u001b[31m\\\"é\\r\\n\"]",
                "[0.000500, \"r\", \"100x30\"]",
                "[0.749500, \"x\", \"3\"]",
            ]
        );
        assert_eq!((bytes, sum), (text.len() as u64, digest(&path).unwrap()));
        let (head, happened) = read(&path).unwrap();
        assert_eq!((head.term, happened.len()), (term.clone(), 3));
        let (at, event) = (Duration::from_micros(1_000_500), CastEvent::Resize((100, 30)));
        assert_eq!(happened[1], TimedEvent { at, time: moment(1_250_500), event });
        assert_eq!((&happened[2].event, happened[2].time), (&CastEvent::Exit(3), moment(2_000_000)));
        // Nobody records over it.
        assert_eq!(begin().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn times_are_right_after_the_clock_was_set_back() {
        let state = tempfile::tempdir().unwrap();
        let moment = |micros: i64| Moment::from_micros(1_800_000_000_000_000 + micros);
        let term = Terminal { cols: 80, rows: 24, kind: None };
        let mut recording = Recording::begin(state.path(), id(), term, String::new(), moment(7)).unwrap();
        let times = [moment(1_000_007), moment(-5_000_000), moment(-4_999_999)];
        for now in times {
            recording.add(&CastEvent::Output("x".into()), now).unwrap();
        }
        let (_, happened) = read(&path(state.path(), id())).unwrap();
        assert_eq!(happened.iter().map(|one| one.time).collect::<Vec<_>>(), times);
        assert_eq!(happened[2].at, Duration::from_micros(1_000_001));
    }

    #[test]
    fn what_is_broken_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.cast");
        let head = r#"{"version":3,"term":{"cols":1,"rows":1},"timestamp":1,"title":"t"}"#;
        for (text, expected) in [
            (format!("{head}\n[-1, \"o\", \"x\"]\n"), "line 2"),
            (format!("{head}\n[1, \"o\"]\n"), "line 2"),
            (format!("{head}\n# begun then\n"), "line 2: \"then\" is not a time"),
            (format!("{head}\n[1, \"r\", \"7\"]\n"), "no size"),
            (head.replace(":3,", ":2,"), "version 2"),
        ] {
            fs::write(&file, text).unwrap();
            let error = read(&file).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
