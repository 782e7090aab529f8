//! Opening the trail, whatever happened to the writer before: every record that is whole stays, a torn end
//! is cut off and kept beside the trail, and a trail that was changed is set aside, not written on.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::check;
use super::folder::{
    CHECKPOINTS, Head, PUBLIC_KEY, Segment, Whole, notes, read_heads, segments, write_heads,
};
use super::key::{HELP, Key};
use super::merkle::{Edge, Hash, leaf};
use super::pack::hash_of;
use super::signed_note::Checkpoint;
use super::writer::{Buffers, Current, Log, Options};
use crate::files;
use crate::ocsf::{Link, Machine};
use crate::state_file::{self, FOLDER_HELP, make_folder, named};
use gatekeeper_record::record::{Record, TrailChange, Upkeep};
use gatekeeper_record::time::Moment;

/// The trail's folder in the state folder.
pub const FOLDER: &str = "trail";
/// The file of its private key in the state folder: beside the trail, so that the trail can be given away.
pub const PRIVATE_KEY: &str = "trail.key";

/// The help where the trail is there and can't be read.
const READ_HELP: &str = "see to the disk and to the folder's files. `gatekeeper audit verify` checks them";

/// The reason for not writing on a trail.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Changed(String),
}

/// The end of the last whole record, and the tree there.
struct Found {
    heads: Vec<Head>,
    segment: Segment,
    edge: Edge,
    last: Option<Link>,
    leaves: Vec<u8>,
    bytes: u64,
    torn: u64,
    signed: u64,
}

impl Log {
    /// Opens the trail in the state folder. What had to be done for that is already in a record.
    ///
    /// # Errors
    /// Where the folder, the key or the trail can't be read or written.
    pub fn open(state: &Path, host: &str, boot: &str, options: Options) -> io::Result<Self> {
        let folder = state.join(FOLDER);
        make_folder(&folder)?;
        let all = segments(&folder).map_err(named(&folder, FOLDER_HELP))?;
        let is_new = all.is_empty() && !folder.join(CHECKPOINTS).exists();
        let path = state.join(PRIVATE_KEY);
        let key = match Key::read(&path)? {
            Some(key) => key,
            None if is_new => Key::create(&path, host)?,
            // A new key would begin a new trail: that is for the administrator to decide, who may have the old one.
            None => {
                let why = "the key is missing, and the records in `trail` are signed with it";
                return Err(named(&path, HELP)(io::Error::new(io::ErrorKind::NotFound, why)));
            }
        };
        let machine = Machine { host: host.to_owned(), boot: boot.to_owned(), origin: key.name.clone() };
        if is_new {
            return Self::begin(folder, key, machine, options, None);
        }
        match find(&folder, &key) {
            Ok(found) => Self::resume(state, folder.clone(), key, machine, options, found)
                .map_err(named(&folder, READ_HELP)),
            Err(Unfit::Io(error)) => Err(named(&folder, READ_HELP)(error)),
            Err(Unfit::Changed(why)) => {
                let aside = set_aside(state, &folder)?;
                make_folder(&folder)?;
                let why = format!("the trail before is set aside in {}: {why}", aside.display());
                Self::begin(folder, key, machine, options, Some(why))
            }
        }
    }

    fn begin(
        folder: PathBuf,
        key: Key,
        machine: Machine,
        options: Options,
        why: Option<String>,
    ) -> io::Result<Self> {
        files::write_atomically(&folder.join(PUBLIC_KEY), format!("{}\n", key.verifier()).as_bytes())?;
        let segment = Segment { first: 0, packed: false };
        let current = Current::open(&folder, &segment, 0)?;
        let mut log = Self {
            folder,
            machine,
            key,
            options,
            heads: Vec::new(),
            segment,
            current,
            edge: Edge::default(),
            last: None,
            signed: 0,
            unsigned_since: None,
            buffers: Buffers::default(),
        };
        let note = why.unwrap_or_else(|| "begun".to_owned());
        log.append(&[note_of(Upkeep::Created, note, None)])?;
        log.checkpoint()?;
        Ok(log)
    }

    fn resume(
        state: &Path,
        folder: PathBuf,
        key: Key,
        machine: Machine,
        options: Options,
        found: Found,
    ) -> io::Result<Self> {
        let Found { heads, segment, edge, last, leaves, bytes, torn, signed } = found;
        if torn > 0 {
            keep_torn(state, &segment.path(&folder), bytes, edge.size())?;
        }
        files::write_atomically(&segment.leaves(&folder), &leaves)?;
        write_heads(&folder, &heads)?;
        let current = Current::open(&folder, &segment, bytes)?;
        let (size, buffers) = (edge.size(), Buffers::default());
        let mut log = Self {
            folder,
            machine,
            key,
            options,
            heads,
            segment,
            current,
            edge,
            last,
            signed,
            unsigned_since: None,
            buffers,
        };
        if torn > 0 {
            let note = format!(
                "{torn} bytes after record {} were no whole record: the writer was stopped in the middle",
                size.saturating_sub(1)
            );
            log.append(&[note_of(Upkeep::Truncated, note, None)])?;
        }
        log.checkpoint()?;
        log.finish_packing()?;
        Ok(log)
    }

    /// Removes plain files whose compressed form is in the books.
    fn finish_packing(&self) -> io::Result<()> {
        for head in self.heads.iter().filter(|head| head.packed.is_some()) {
            let plain = Segment { first: head.first, packed: false }.path(&self.folder);
            let packed = Segment { first: head.first, packed: true }.path(&self.folder);
            if plain.exists() && hash_of(&packed).ok() == head.packed {
                fs::remove_file(plain)?;
            }
        }
        Ok(())
    }
}

/// A record of the trail's own.
#[must_use]
pub fn note_of(change: Upkeep, note: String, kept_from: Option<u64>) -> Record {
    let time = Moment::now();
    Record::Trail(TrailChange { time, change, note, kept_from })
}

/// Turns an error of reading a file into the reason for not writing on: one that is no file was changed; the disk's errors
/// are the disk's.
fn unfit(whose: &str) -> impl FnOnce(io::Error) -> Unfit + '_ {
    move |error| match error.kind() {
        io::ErrorKind::InvalidData => Unfit::Changed(format!("{whose}: {error}")),
        _ => Unfit::Io(error),
    }
}

/// Looks for the end of the trail.
fn find(folder: &Path, key: &Key) -> Result<Found, Unfit> {
    let changed = |why: &str| Unfit::Changed(why.to_owned());
    let public =
        state_file::read(&folder.join(PUBLIC_KEY)).map_err(unfit("its public key"))?.unwrap_or_default();
    if public.trim_ascii_end() != key.verifier().to_string().as_bytes() {
        return Err(changed("it is another key's"));
    }
    let checkpoint = last_checkpoint(folder, key)?;
    let signed = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
    let mut heads =
        read_heads(folder).map_err(|error| Unfit::Changed(format!("its heads can't be read: {error}")))?;
    let segment = segments(folder)?.pop().ok_or_else(|| changed("all its records are gone"))?;
    if segment.packed {
        return Err(changed("the segment being written is gone"));
    }
    // Closed in the books, and no next one was begun: it goes on.
    heads.retain(|head| head.first < segment.first);
    let (edge, last) = match heads.last() {
        Some(head) if head.edge.size() == segment.first && head.edge.is_sound() => {
            (head.edge.clone(), Some(head.last.clone()))
        }
        None if segment.first == 0 => (Edge::default(), None),
        _ => return Err(changed("where its last segment begins is not known")),
    };
    let mut found = Found { heads, segment, edge, last, leaves: Vec::new(), bytes: 0, torn: 0, signed };
    let fits = |edge: &Edge| {
        checkpoint
            .as_ref()
            .is_none_or(|checkpoint| checkpoint.size != edge.size() || checkpoint.root == edge.root())
    };
    let mut sound = fits(&found.edge);
    let path = found.segment.path(folder);
    if !fs::symlink_metadata(&path)?.is_file() {
        return Err(Unfit::Changed(format!("{}: it is no regular file", path.display())));
    }
    let (mut lines, mut line) = (found.segment.read(folder)?, Vec::new());
    while let Some(Whole(whole)) = lines.next(&mut line)? {
        let checked = check::read(&line).filter(|checked| {
            whole
                && checked.index == found.edge.size()
                && checked.before == found.last
                && checked.chain == key.name
        });
        let Some(checked) = checked else { break };
        let hash: Hash = leaf(&line);
        found.edge.push(hash);
        found.leaves.extend_from_slice(&hash.0);
        found.last = Some(checked.link);
        found.bytes = found.bytes.saturating_add(line.len() as u64).saturating_add(1);
        sound &= fits(&found.edge);
    }
    found.torn = fs::metadata(found.segment.path(folder))?.len().saturating_sub(found.bytes);
    if !sound {
        return Err(Unfit::Changed(format!(
            "its records are not those that were signed up to record {signed}"
        )));
    }
    if found.edge.size() < signed {
        let size = found.edge.size();
        return Err(Unfit::Changed(format!(
            "{signed} records were signed, and from record {size} on they are gone or changed"
        )));
    }
    Ok(found)
}

/// The latest checkpoint. One cut short by a crash is taken away.
fn last_checkpoint(folder: &Path, key: &Key) -> Result<Option<Checkpoint>, Unfit> {
    let path = folder.join(CHECKPOINTS);
    // Through a link, another file would be cut.
    let Some(bytes) = state_file::read(&path).map_err(unfit("its checkpoints"))? else { return Ok(None) };
    let text =
        String::from_utf8(bytes).map_err(|_| Unfit::Changed("its checkpoints are no text".to_owned()))?;
    let (mut last, mut bytes) = (None, 0_usize);
    for note in notes(&text) {
        let end = bytes.saturating_add(note.len());
        match Checkpoint::open(note, &key.verifier()) {
            Ok(checkpoint) => last = Some(checkpoint),
            Err(_) if end == text.len() => break,
            Err(error) => return Err(Unfit::Changed(format!("one of its checkpoints: {error}"))),
        }
        bytes = end;
    }
    if bytes < text.len() {
        OpenOptions::new().write(true).open(&path)?.set_len(bytes as u64)?;
    }
    Ok(last)
}

/// Cuts a torn end off, and keeps it: it may have been no accident.
fn keep_torn(state: &Path, path: &Path, whole: u64, index: u64) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let torn = bytes.get(usize::try_from(whole).map_err(io::Error::other)?..).unwrap_or_default();
    files::write_atomically(&state.join(format!("torn-{index}")), torn)?;
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(whole)?;
    file.sync_all()
}

/// Moves a trail out of the way.
fn set_aside(state: &Path, folder: &Path) -> io::Result<PathBuf> {
    for number in 1..=u32::MAX {
        let aside = state.join(format!("{FOLDER}-aside-{number}"));
        if !aside.exists() {
            fs::rename(folder, &aside)?;
            return Ok(aside);
        }
    }
    Err(io::Error::other("there is no room for one more trail that is set aside"))
}
