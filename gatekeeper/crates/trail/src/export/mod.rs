//! Records to other places: what is in the trail is sent on, in order, from where each place's cursor stands.
//!
//! Each export is a thread that reads the trail's segments behind the writer, so that a slow place slows nobody. Its
//! cursor, a small file, moves once the other end has taken the records: a place that was down gets everything
//! afterwards.

mod certificates;
mod cursor;
mod fields;
mod file;
pub mod http;
mod journald;
#[cfg(feature = "export-otlp")]
mod otlp;
mod reader;
pub mod setting;
mod sink;
mod stream;
mod syslog;
#[cfg(test)]
mod tests;
pub mod webhook;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{io, mem};

use tracing::warn;

use super::log::open::FOLDER;
use super::writer_thread::Health;
use crate::state_file::{SetAside, make_folder};
use cursor::Cursor;
use setting::{Export, Target};
use sink::Sink;
pub use sink::{ExportState, SendError};
use worker::{Progress, Worker};

/// The folder of cursors, in the state folder.
const CURSORS: &str = "export";
/// The time that a thread may take to end; it is left behind then, and its cursor stands where it stood.
const ENDING: Duration = Duration::from_secs(2);

/// Returns the sender for an export.
///
/// # Errors
/// Where this build has none for its kind.
#[cfg_attr(
    feature = "export-otlp",
    expect(clippy::unnecessary_wraps, reason = "a build without a kind refuses it")
)]
fn sink(export: &Export, cursor: &Cursor) -> io::Result<Box<dyn Sink>> {
    let timeout = export.timeout;
    Ok(match &export.target {
        #[cfg(feature = "export-otlp")]
        Target::Otlp(url) => Box::new(otlp::Otlp::new(url.clone(), timeout)),
        #[cfg(not(feature = "export-otlp"))]
        Target::Otlp(_) => {
            return Err(io::Error::new(io::ErrorKind::Unsupported, setting::OTLP_NOT_BUILT_IN));
        }
        Target::Webhook { url, secret } => {
            Box::new(webhook::Webhook::new(url.clone(), secret.clone(), timeout))
        }
        Target::Syslog { address, ca, facility } => {
            Box::new(syslog::Syslog::new(address.clone(), ca.clone(), *facility, timeout))
        }
        Target::Journald { socket } => Box::new(journald::Journald::new(socket.clone(), timeout)),
        Target::File { path } => Box::new(file::Appended::new(path.clone(), cursor.mark)),
    })
}

/// All exports.
#[derive(Debug, Default)]
pub struct Exports {
    running: Vec<Running>,
    stop: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Running {
    name: String,
    kind: &'static str,
    progress: Arc<Progress>,
    thread: JoinHandle<()>,
}

impl Exports {
    /// Starts them.
    ///
    /// # Errors
    /// Where a damaged cursor can't be renamed, or a thread can't be started.
    pub fn start(
        exports: &[Export],
        state: &Path,
        health: &Arc<Health>,
        set_aside: &mut Vec<SetAside>,
    ) -> io::Result<Self> {
        let mut all = Self::default();
        if exports.is_empty() {
            return Ok(all);
        }
        let cursors = state.join(CURSORS);
        make_folder(&cursors)?;
        for export in exports {
            let place = cursors.join(format!("{}.json", export.name));
            let trail = state.join(FOLDER);
            let cursor = Cursor::load(&place, &trail, export.since, health.size(), set_aside)?;
            let progress = Arc::new(Progress::new(cursor.next));
            let worker = Worker {
                sink: sink(export, &cursor)?,
                reader: reader::Reader::new(trail),
                cursor,
                batch: export.batch,
                health: Arc::clone(health),
                progress: Arc::clone(&progress),
                stop: Arc::clone(&all.stop),
            };
            let name = format!("export-{}", export.name);
            let thread = thread::Builder::new().name(name).spawn(move || worker.run())?;
            all.running.push(Running {
                name: export.name.clone(),
                kind: export.target.kind(),
                progress,
                thread,
            });
        }
        Ok(all)
    }

    /// Returns the name of an export whose thread has ended, if there is one: none does before `self` is dropped.
    #[must_use]
    pub fn ended(&self) -> Option<&str> {
        self.running.iter().find(|export| export.thread.is_finished()).map(|export| export.name.as_str())
    }

    /// Returns the state of each, with this many records in the trail.
    #[must_use]
    pub fn states(&self, size: u64) -> Vec<ExportState> {
        self.running
            .iter()
            .map(|export| {
                let state = export.progress.state();
                let lag = size.saturating_sub(state.next);
                ExportState { name: export.name.clone(), kind: export.kind.to_owned(), lag, ..state }
            })
            .collect()
    }
}

impl Drop for Exports {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let begun = Instant::now();
        for export in mem::take(&mut self.running) {
            while !export.thread.is_finished() && begun.elapsed() < ENDING {
                thread::sleep(Duration::from_millis(10));
            }
            if !export.thread.is_finished() {
                warn!("export {}: still sending; what is not acknowledged is sent again", export.name);
            } else if export.thread.join().is_err() {
                warn!("export {}: its thread panicked", export.name);
            }
        }
    }
}
