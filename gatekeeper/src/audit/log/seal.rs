//! From a record to the line that is stored: with its fingerprint, and the link to the one before.

use std::io;

use sha2::{Digest, Sha256};

use super::merkle::hex;
use crate::audit::ocsf::{Line, Link, Machine, Place};
use crate::audit::record::Record;

/// What stands before the trail's name in the attestation; the fingerprint comes after that name. No text
/// that somebody else chose can look like this: inside a string, quotation marks are escaped.
const BEFORE: &str = r#""chain_uid":""#;

/// Appends the record's line, without a line break, and gives the link for the next record. `scratch` is
/// working memory, to be used again.
pub fn seal(
    record: &Record,
    machine: &Machine,
    place: &Place,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> io::Result<Link> {
    scratch.clear();
    let line = Line::of(record, machine, place);
    serde_json::to_writer(&mut *scratch, &line)?;
    let fingerprint = hex(&Sha256::digest(&*scratch).into());
    let (head, tail) = split(scratch).ok_or_else(|| io::Error::other("a record without attestation"))?;
    out.extend_from_slice(head);
    out.extend_from_slice(br#","fingerprint":{"algorithm_id":3,"serialization_id":2,"value":""#);
    out.extend_from_slice(fingerprint.as_bytes());
    // The object before ends here, or goes on with the link.
    out.extend_from_slice(if tail.starts_with(b"}") { br#""}"# } else { br#""},"# });
    out.extend_from_slice(tail);
    Ok(Link { type_uid: line.type_uid, fingerprint })
}

/// Splits a line where the fingerprint goes.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    // The search in text is many times faster than one window of bytes after another.
    let found = std::str::from_utf8(line).ok()?.find(BEFORE)? + BEFORE.len();
    let end = found + line.get(found..)?.iter().position(|&byte| byte == b'"')? + 1;
    // A comma follows, if anything does; it goes before the fingerprint.
    let (head, tail) = line.split_at_checked(end)?;
    Some((head, tail.strip_prefix(b",").unwrap_or(tail)))
}
