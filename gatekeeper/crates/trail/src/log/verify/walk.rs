//! From record to record: each against itself, the one before, its stored hash, and the signed roots.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::finding::Finding;
use crate::log::check;
use crate::log::folder::{HEADS, Head, LEAF_BYTES, Segment, Whole, read_leaves, segments};
use crate::log::merkle::{Edge, Hash, leaf};
use crate::log::pack::hash_of;
use crate::ocsf::Link;

/// The state of verifying.
pub struct Walk<'a> {
    folder: &'a Path,
    origin: &'a str,
    signed: &'a BTreeMap<u64, Hash>,
    heads: &'a [Head],
    first: u64,
    /// The first record that is kept, as the trail itself says.
    kept_from: u64,
    edge: Edge,
    last: Option<Link>,
    /// The size at which the tree was last found to be the one that was signed.
    sound: u64,
    /// The first record since then that is not the one its stored hash is of.
    mismatch: Option<u64>,
    findings: Vec<Finding>,
}

/// Something was found that makes all that follows meaningless.
struct Broken(Finding);

impl<'a> Walk<'a> {
    /// Walks over the whole trail.
    pub fn over(
        folder: &'a Path,
        origin: &'a str,
        signed: &'a BTreeMap<u64, Hash>,
        heads: &'a [Head],
    ) -> io::Result<Self> {
        let (edge, findings) = (Edge::default(), Vec::new());
        let mut walk = Self {
            folder,
            origin,
            signed,
            heads,
            first: 0,
            kept_from: 0,
            edge,
            last: None,
            sound: 0,
            mismatch: None,
            findings,
        };
        if let Err(Broken(finding)) = walk.all()? {
            walk.findings.insert(0, finding);
        }
        Ok(walk)
    }

    /// The first record that is there.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// One more than the last record that is sound.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Returns the faults.
    pub fn findings(self) -> Vec<Finding> {
        self.findings
    }

    fn all(&mut self) -> io::Result<Result<(), Broken>> {
        let segments = segments(self.folder)?;
        if let Err(broken) = self.start(segments.first()) {
            return Ok(Err(broken));
        }
        for segment in &segments {
            if let Err(broken) = self.segment(segment)? {
                return Ok(Err(broken));
            }
        }
        Ok(self.end())
    }

    /// Finds the beginning of the first segment.
    fn start(&mut self, segment: Option<&Segment>) -> Result<(), Broken> {
        let first = segment.map_or(0, |segment| segment.first);
        if first == 0 {
            return Ok(());
        }
        let gone = |what| Broken(Finding::among(0, first.saturating_sub(1), what));
        let head = self.heads.iter().find(|head| head.edge.size() == first && head.edge.is_sound());
        let head = head.ok_or(gone("they are gone, and no head says what they were"))?;
        if self.signed.get(&first) != Some(&head.edge.root()) {
            return Err(gone("they are gone, and no checkpoint signs the head that says what they were"));
        }
        (self.first, self.sound) = (first, first);
        (self.edge, self.last) = (head.edge.clone(), Some(head.last.clone()));
        Ok(())
    }

    fn segment(&mut self, segment: &Segment) -> io::Result<Result<(), Broken>> {
        let expected = self.edge.size();
        if segment.first > expected {
            let last = segment.first.saturating_sub(1);
            return Ok(Err(self.broken(Finding::among(expected, last, "the records are gone"))));
        }
        if segment.first < expected {
            let name = segment.path(self.folder);
            let name = name.file_name().unwrap_or_default().to_string_lossy();
            return Ok(Err(Broken(Finding::file(
                &name,
                format!("was added: record {} stands elsewhere", segment.first),
            ))));
        }
        let leaves = read_leaves(&segment.leaves(self.folder))?;
        let mut lines = segment.read(self.folder)?;
        let mut line = Vec::new();
        loop {
            let index = self.edge.size();
            let whole = match lines.next(&mut line) {
                Ok(None) => break,
                Ok(Some(Whole(whole))) => whole,
                Err(error) if segment.packed => {
                    let what = format!("can't be unpacked: the compressed file was changed ({error})");
                    return Ok(Err(self.broken(Finding::record(index, what))));
                }
                Err(error) => return Err(error),
            };
            let stored =
                usize::try_from(index.saturating_sub(segment.first)).ok().and_then(|at| leaves.get(at));
            if let Err(broken) = self.line(index, &line, whole, stored) {
                return Ok(Err(broken));
            }
        }
        Ok(self.closed(segment, &leaves))
    }

    fn line(&mut self, index: u64, line: &[u8], whole: bool, stored: Option<&Hash>) -> Result<(), Broken> {
        let hash = leaf(line);
        if stored != Some(&hash) && (stored.is_some() || index < self.signed_size()) {
            self.mismatch.get_or_insert(index);
        }
        let Some(checked) = check::read(line) else {
            let what = if whole { "was changed" } else { "was changed or cut short" };
            return Err(self.broken(Finding::record(index, what)));
        };
        if checked.index > index {
            let what =
                format!("record {} stands in its place: it was removed, or put elsewhere", checked.index);
            return Err(self.broken(Finding::record(index, what)));
        }
        if checked.index < index {
            let what =
                format!("record {} stands in its place: that was added, or put elsewhere", checked.index);
            return Err(self.broken(Finding::record(index, what)));
        }
        if checked.chain != self.origin {
            let what = format!("is of another trail, \"{}\"", checked.chain);
            return Err(self.broken(Finding::record(index, what)));
        }
        if checked.before != self.last {
            let before = index.saturating_sub(1);
            let what = "was exchanged: the next record names another before it";
            return Err(self.broken(Finding::record(before, what)));
        }
        if !whole {
            return Err(
                self.broken(Finding::record(index, "its line does not end: the end was changed or cut off"))
            );
        }
        self.edge.push(hash);
        self.last = Some(checked.link);
        self.kept_from = self.kept_from.max(checked.kept_from.unwrap_or(0));
        let size = index.saturating_add(1);
        match self.signed.get(&size) {
            Some(root) if *root != self.edge.root() => {
                let what = "one was exchanged, and all after it were made to fit: the tree is not the one that was signed";
                Err(self.broken(Finding::among(self.sound, index, what)))
            }
            Some(_) => {
                self.sound = size;
                if let Some(mismatch) = self.mismatch.take() {
                    // The record is the one that was signed, so it is the stored hash that is not.
                    self.findings.push(Finding::record(
                        mismatch,
                        "is whole; its hash in the .leaves file was changed",
                    ));
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The end of a segment, against its head.
    fn closed(&mut self, segment: &Segment, leaves: &[Hash]) -> Result<(), Broken> {
        let count = self.edge.size().saturating_sub(segment.first);
        let length = std::fs::metadata(segment.leaves(self.folder)).map_or(0, |found| found.len());
        let head = self.heads.iter().find(|head| head.first == segment.first);
        if leaves.len() as u64 > count || (head.is_some() && !length.is_multiple_of(LEAF_BYTES)) {
            let name = segment.leaves(self.folder);
            let name = name.file_name().unwrap_or_default().to_string_lossy();
            self.findings
                .push(Finding::file(&name, "was changed: it has more in it than the records' hashes"));
        }
        let Some(head) = head else {
            if segment.packed {
                self.findings
                    .push(Finding::file(HEADS, format!("the end of segment {} is gone", segment.first)));
            }
            return Ok(());
        };
        let size = head.edge.size();
        if size > self.edge.size() {
            let what = "they are gone from the end of a segment";
            return Err(self.broken(Finding::among(self.edge.size(), size.saturating_sub(1), what)));
        }
        if head.edge != self.edge || Some(&head.last) != self.last.as_ref() {
            self.findings
                .push(Finding::file(HEADS, format!("the end of segment {} was changed", segment.first)));
        }
        if !self.signed.contains_key(&size) {
            self.findings.push(Finding::among(
                segment.first,
                size.saturating_sub(1),
                "the checkpoint at the end of their segment is gone",
            ));
        }
        // A plain file stays beside the compressed one until that is in the books.
        let packed = Segment { packed: true, ..segment.clone() };
        if (segment.packed || head.packed.is_some()) && head.packed != hash_of(&packed.path(self.folder)).ok()
        {
            let what = format!(
                "segment {}: the file is not the one that was written when it was closed",
                segment.first
            );
            self.findings.push(Finding::file(HEADS, what));
        }
        Ok(())
    }

    /// Nothing signed may be missing at the end.
    fn end(&mut self) -> Result<(), Broken> {
        if let Some(mismatch) = self.mismatch.take() {
            let what =
                "it is not the one whose hash is in the .leaves file, and no checkpoint says which is right";
            self.findings.push(Finding::record(mismatch, what));
        }
        if self.first > self.kept_from {
            let what = "they are gone, and no record says that they were removed";
            return Err(Broken(Finding::among(self.kept_from, self.first.saturating_sub(1), what)));
        }
        let (size, signed) = (self.edge.size(), self.signed_size());
        if signed > size {
            let last = signed.saturating_sub(1);
            return Err(Broken(Finding::among(size, last, "they are gone from the end of the trail")));
        }
        Ok(())
    }

    fn signed_size(&self) -> u64 {
        self.signed.keys().next_back().copied().unwrap_or(0)
    }

    /// The stored hashes know better where it began, if they are those of the records that were signed.
    fn broken(&self, finding: Finding) -> Broken {
        match self.mismatch {
            Some(mismatch) if finding.record.is_some() => {
                Broken(Finding { record: Some(mismatch), to: None, ..finding })
            }
            _ => Broken(finding),
        }
    }
}
