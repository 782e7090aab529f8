//! From records to the lines that are stored, each with its fingerprint and the link to the one before. Forming takes most
//! of the time and can be done beside the writing; linking has to be done one after the other.

use std::io;

use sha2::{Digest, Sha256};

use super::cut::cut;
use super::merkle::{Edge, hex, leaf};
use crate::ocsf::{Line, Link, Machine, Place};
use gatekeeper_record::record::Record;

/// The text before the trail's name in the attestation; the fingerprint comes after that name. No text
/// that somebody else chose can look like this: inside a string, quotation marks are escaped.
const BEFORE: &str = r#""chain_uid":""#;
/// The text between that name and the fingerprint of the record before, where there is one.
const PREVIOUS: &[u8] = br#","prev_event":{"fingerprint":{"algorithm_id":3,"serialization_id":2,"value":""#;
/// Stands where the fingerprint of the record before is filled in.
const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Lines that are formed and not linked yet.
#[derive(Debug, Default)]
pub struct Formed {
    bytes: Vec<u8>,
    lines: Vec<Unlinked>,
}

#[derive(Debug)]
struct Unlinked {
    /// The end of its bytes.
    end: usize,
    /// The offset of its own fingerprint.
    middle: usize,
    /// The offset of that of the record before, unless it is the first of all.
    previous: Option<usize>,
    type_uid: u32,
}

/// The parts that grow with every line: the tree, the chain, and the bytes to be written.
#[derive(Debug)]
pub struct Grown<'a> {
    /// The tree's edge.
    pub edge: Edge,
    /// The last record.
    pub last: Option<Link>,
    /// Lines, each with its line break.
    pub lines: &'a mut Vec<u8>,
    /// Their hashes.
    pub leaves: &'a mut Vec<u8>,
}

impl Formed {
    /// Forms records that follow one of this class and activity, the first with this number. What was formed before is
    /// forgotten.
    ///
    /// # Errors
    /// Where a record can't be written as JSON.
    pub fn form<'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r Record>,
        machine: &Machine,
        mut index: u64,
        mut before: Option<u32>,
    ) -> io::Result<()> {
        self.bytes.clear();
        self.lines.clear();
        for record in records {
            let start = self.bytes.len();
            let linked = before.map(|type_uid| Link { type_uid, fingerprint: BLANK.to_owned() });
            let place = Place { index, before: linked };
            let line = Line::of(record, machine, &place);
            let type_uid = line.type_uid;
            serde_json::to_writer(&mut self.bytes, &line)?;
            if !cut(&mut self.bytes, start) {
                return Err(io::Error::other("a record is too long, and can't be cut"));
            }
            let formed = self.bytes.get(start..).unwrap_or_default();
            let (middle, previous) = places(formed, before.is_some())
                .ok_or_else(|| io::Error::other("a record without attestation"))?;
            let (middle, previous) =
                (start.saturating_add(middle), previous.map(|at| start.saturating_add(at)));
            self.lines.push(Unlinked { end: self.bytes.len(), middle, previous, type_uid });
            (before, index) = (Some(type_uid), index.saturating_add(1));
        }
        Ok(())
    }

    /// The class and activity of the last that was formed.
    #[must_use]
    pub fn last(&self) -> Option<u32> {
        self.lines.last().map(|line| line.type_uid)
    }

    /// Links what was formed to what is there.
    ///
    /// # Errors
    /// Where what was formed is cut short, which it never is.
    pub fn link(&mut self, grown: &mut Grown<'_>) -> io::Result<()> {
        let mut start = 0;
        for Unlinked { end, middle, previous, type_uid } in &self.lines {
            if let (Some(at), Some(last)) = (previous, &grown.last) {
                let gap = self.bytes.get_mut(*at..at.saturating_add(BLANK.len()));
                gap.ok_or_else(short)?.copy_from_slice(last.fingerprint.as_bytes());
            }
            let whole = self.bytes.get(start..*end).ok_or_else(short)?;
            let (head, tail) = whole.split_at_checked(middle.saturating_sub(start)).ok_or_else(short)?;
            let fingerprint = hex(&Sha256::digest(whole).into());
            let begin = grown.lines.len();
            grown.lines.extend_from_slice(head);
            grown
                .lines
                .extend_from_slice(br#","fingerprint":{"algorithm_id":3,"serialization_id":2,"value":""#);
            grown.lines.extend_from_slice(fingerprint.as_bytes());
            grown.lines.extend_from_slice(br#""}"#);
            // The object before ends here, or goes on with the link.
            grown.lines.extend_from_slice(tail);
            let hash = leaf(grown.lines.get(begin..).unwrap_or_default());
            grown.lines.push(b'\n');
            grown.leaves.extend_from_slice(&hash.0);
            grown.edge.push(hash);
            grown.last = Some(Link { type_uid: *type_uid, fingerprint });
            start = *end;
        }
        Ok(())
    }
}

fn short() -> io::Error {
    io::Error::other("a formed record is shorter than it was")
}

/// Returns the offsets of a line's fingerprint, and of that of the record before, if there is one.
fn places(line: &[u8], linked: bool) -> Option<(usize, Option<usize>)> {
    // The search in text is many times faster than one window of bytes after another.
    let name = std::str::from_utf8(line).ok()?.find(BEFORE)?.checked_add(BEFORE.len())?;
    let length = line.get(name..)?.iter().position(|&byte| byte == b'"')?;
    let middle = name.checked_add(length)?.checked_add(1)?;
    if !linked {
        return Some((middle, None));
    }
    let rest = line.get(middle..)?.strip_prefix(PREVIOUS)?;
    let previous = middle.checked_add(PREVIOUS.len())?;
    rest.starts_with(BLANK.as_bytes()).then_some((middle, Some(previous)))
}

/// A record's line, without a line break, and the link for the next record.
///
/// # Errors
/// Those of [`Formed::form`] and [`Formed::link`].
#[cfg(test)]
pub fn seal(record: &Record, machine: &Machine, place: &Place) -> io::Result<(Vec<u8>, Link)> {
    let mut formed = Formed::default();
    let before = place.before.as_ref().map(|link| link.type_uid);
    formed.form([record], machine, place.index, before)?;
    let (mut lines, mut leaves) = (Vec::new(), Vec::new());
    let last = place.before.clone();
    let mut grown = Grown { edge: Edge::default(), last, lines: &mut lines, leaves: &mut leaves };
    formed.link(&mut grown)?;
    let link = grown.last.ok_or_else(short)?;
    lines.pop();
    Ok((lines, link))
}
