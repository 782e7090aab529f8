//! Proving one record to somebody who has nothing but the public key.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::folder::{CHECKPOINTS, Segment, notes, read_heads, read_leaves, segments};
use super::merkle::{Edge, Hash, Suffix, leaf, prove, root_of_proof};
use super::signed_note::{Checkpoint, NoteError, Verifier};

/// A record, and the proof that it stands in the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The record's line, byte for byte.
    pub record: String,
    /// Its number.
    pub index: u64,
    /// The hashes beside its way up the tree of RFC 6962, lowest first.
    pub proof: Vec<Hash>,
    /// The signed note with the tree's size and root.
    pub checkpoint: String,
}

/// A fault of a proof, or the reason why there is none.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The trail can't be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no such record.
    #[error("there is no record {0}: `gatekeeper audit verify` says which there are")]
    NoRecord(u64),
    /// No checkpoint covers it yet.
    #[error("record {0} is not signed yet: that takes some seconds")]
    Unsigned(u64),
    /// The checkpoint is not the key's.
    #[error("the checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The proof leads elsewhere.
    #[error("record {0} is not in the tree that was signed")]
    Elsewhere(u64),
}

impl Proof {
    /// Makes the proof of a record.
    ///
    /// # Errors
    /// Where there is no such record, no checkpoint covers it, or the trail can't be read or proves nothing.
    pub fn of(folder: &Path, verifier: &Verifier, index: u64) -> Result<Self, ProofError> {
        let text = std::fs::read_to_string(folder.join(CHECKPOINTS))?;
        let covering = notes(&text).filter_map(|note| Some((note, Checkpoint::open(note, verifier).ok()?)));
        let (note, checkpoint) =
            covering.into_iter().find(|(_, found)| found.size > index).ok_or(ProofError::Unsigned(index))?;
        let all = segments(folder)?;
        let first = all.first().map_or(0, |segment| segment.first);
        let segment =
            all.iter().rfind(|segment| segment.first <= index).ok_or(ProofError::NoRecord(index))?;
        let record = line(folder, segment, index)?.ok_or(ProofError::NoRecord(index))?;
        let edge = match first {
            0 => Edge::default(),
            first => {
                let heads = read_heads(folder)?;
                let head = heads.into_iter().find(|head| head.edge.size() == first);
                head.ok_or(ProofError::Elsewhere(index))?.edge
            }
        };
        let mut leaves = Vec::new();
        for segment in all.iter().filter(|segment| segment.first < checkpoint.size) {
            leaves.extend(read_leaves(&segment.leaves(folder))?);
        }
        let suffix = Suffix { edge: &edge, leaves: &leaves };
        let proof = prove(&suffix, index, checkpoint.size).ok_or(ProofError::Elsewhere(index))?;
        let made = Self { record, index, proof, checkpoint: note.to_owned() };
        made.check(verifier)?;
        Ok(made)
    }

    /// Whether the record stands in a trail of this key.
    ///
    /// # Errors
    /// Where the checkpoint is not the key's, or the proof leads to another root.
    pub fn check(&self, verifier: &Verifier) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, verifier)?;
        let hash = leaf(self.record.as_bytes());
        if root_of_proof(hash, self.index, checkpoint.size, &self.proof) == Some(checkpoint.root) {
            Ok(checkpoint)
        } else {
            Err(ProofError::Elsewhere(self.index))
        }
    }
}

/// The line of a record.
fn line(folder: &Path, segment: &Segment, index: u64) -> io::Result<Option<String>> {
    let (mut lines, mut line) = (segment.read(folder)?, Vec::new());
    for _ in segment.first..=index {
        if lines.next(&mut line)?.is_none() {
            return Ok(None);
        }
    }
    String::from_utf8(line).map(Some).map_err(io::Error::other)
}
