//! The start of a trail, where an earlier daemon of this boot stopped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::time::Instant;

use tracing::warn;

use super::Trail;
use super::losses::read_reported;
use super::read_back::{self, Recalled, Sought, read_back};
use super::settings::Settings;
use crate::explain::Context;
use crate::export::Exports;
use crate::feed::Feed;
use crate::log::key::mask_key;
use crate::log::open::FOLDER;
use crate::loss::Losses;
use crate::mask::Mask;
use crate::state_file::make_folder;
use crate::writer_thread::WriterThread;
use gatekeeper_record::record::Record;
use gatekeeper_record::session_id::SessionId;

impl Trail {
    /// Opens the trail in the state folder where no session is open.
    ///
    /// # Errors
    /// See [`Trail::resume`].
    pub fn open(settings: &Settings, boot: &str) -> io::Result<Self> {
        Self::resume(settings, boot, [])
    }

    /// Opens the trail in the state folder, to go on where an earlier daemon of this boot stopped. `sessions` are those that
    /// are open: what was written of them is read back from their opening on, up to a bound (see [`read_back::MOST`]).
    ///
    /// # Errors
    /// Where the state folder, the key or the trail can't be read or written, or an export can't be started.
    pub fn resume(
        settings: &Settings,
        boot: &str,
        sessions: impl IntoIterator<Item = SessionId>,
    ) -> io::Result<Self> {
        let folder = settings.state.clone();
        let mut set_aside = Vec::new();
        make_folder(&folder.join("rules"))?;
        let mask = mask_key(&folder.join("mask.key"), &mut set_aside)?;
        let mask = Mask::new(mask, &settings.secrets).map_err(io::Error::other)?;
        let reported = read_reported(&folder.join("losses.json"), boot, &mut set_aside)?;
        let sought = Sought {
            boot,
            records: settings.events_in_memory,
            settled: reported.settled,
            sessions: sessions.into_iter().collect(),
            bytes: read_back::MOST,
        };
        // Before anything is written or compressed.
        let (past, read) = read_back(&folder.join(FOLDER), sought);
        if let Err(error) = read
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!(
                "`gatekeeper events` begins with what could be read: the trail can't be read any further back: {error}"
            );
        }
        let mut feed = Feed::new(settings.events_in_memory);
        let mut context = Context::default();
        let mut decided = BTreeSet::new();
        for Recalled { of_boot, record } in past.records {
            match &record {
                _ if !of_boot => {}
                Record::Event(event) => {
                    context.calls.remember(event);
                    context.remember(event);
                    context.remember_arguments(event);
                }
                Record::AssistantReport(report) => context.calls.recall(report),
                Record::Decision(decision) if decision.is_final => {
                    decided.insert(decision.hold);
                }
                _ => {}
            }
            if !record.is_canary() {
                feed.recall(record);
            }
        }
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let writer = WriterThread::start(&folder, &host, boot, settings.log.clone())?;
        let exports = Exports::start(&settings.exports, &folder, writer.health(), &mut set_aside)?;
        let kept = reported.settled.unwrap_or(0);
        let losses = Losses::resume(reported, past.written, Instant::now());
        let mut trail = Self {
            context,
            losses,
            unkept: false,
            kept,
            writer,
            exports,
            mask,
            masks: BTreeMap::new(),
            feed,
            folder,
            ended: VecDeque::new(),
            retired: VecDeque::new(),
            decided,
            version_before: past.version,
        };
        trail.set_aside(&set_aside);
        Ok(trail)
    }
}
