//! Verifying a trail from its folder and a public key alone: whole, or what was done to which record.

mod finding;
mod walk;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::folder::{
    CHECKPOINTS, HEADS, Head, INDEX, PUBLIC_KEY, heads_text, read_checkpoints, read_heads, segment_of,
    segments,
};
use super::merkle::Hash;
use super::signed_note::{Checkpoint, Verifier};
pub use finding::Finding;
use walk::Walk;

/// The result of verifying a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The trail's name.
    pub origin: String,
    /// The first record that is there.
    pub first: u64,
    /// One more than the last record that was found sound.
    pub size: u64,
    /// Records under the latest checkpoint.
    pub signed: u64,
    /// Checkpoints whose signature is the key's.
    pub checkpoints: usize,
    /// The faults, the first record first.
    pub findings: Vec<Finding>,
}

/// Verifies the trail in a folder with this key, or with the one that lies there. A checkpoint that was kept
/// elsewhere shows besides that nothing was taken from the end.
///
/// # Errors
/// Where a file of the trail can't be read. Faults of what is read are findings.
pub fn verify(folder: &Path, key: Option<&Verifier>, from: Option<&Checkpoint>) -> io::Result<Report> {
    let mut findings = Vec::new();
    let lying = fs::read_to_string(folder.join(PUBLIC_KEY));
    let lying_key = lying.as_ref().ok().and_then(|text| Verifier::parse(text).ok());
    // The file has one form, so that no byte of it can change unnoticed.
    let in_form = lying_key.as_ref().is_some_and(|key| lying.as_ref().ok() == Some(&format!("{key}\n")));
    let Some(verifier) = key.or(lying_key.as_ref()).cloned() else {
        let origin = String::new();
        findings.push(Finding::file(PUBLIC_KEY, "there is no public key, and none was given"));
        return Ok(Report { origin, first: 0, size: 0, signed: 0, checkpoints: 0, findings });
    };
    if !in_form || lying_key.as_ref() != Some(&verifier) {
        findings.push(Finding::file(PUBLIC_KEY, "this is not the key of the trail"));
    }
    let (signed, checkpoints) = signed(folder, &verifier, from, &mut findings)?;
    let heads = heads(folder, &mut findings)?;
    strangers(folder, &mut findings)?;
    let walk = Walk::over(folder, &verifier.name, &signed, &heads)?;
    let covered = signed.keys().copied().rfind(|size| *size <= walk.size()).unwrap_or(0);
    let (first, size) = (walk.first(), walk.size());
    findings.splice(0..0, walk.findings());
    Ok(Report { origin: verifier.name, first, size, signed: covered, checkpoints, findings })
}

/// The roots that were signed, by the tree's size.
fn signed(
    folder: &Path,
    verifier: &Verifier,
    from: Option<&Checkpoint>,
    findings: &mut Vec<Finding>,
) -> io::Result<(BTreeMap<u64, Hash>, usize)> {
    let mut roots: BTreeMap<u64, Hash> = from.iter().map(|from| (from.size, from.root)).collect();
    let (mut count, mut before) = (0, 0);
    for (number, opened) in (1..).zip(read_checkpoints(folder, verifier)?) {
        let named = |why: String| Finding::file(CHECKPOINTS, format!("checkpoint {number}: {why}"));
        match opened {
            Err(error) => findings.push(named(error.to_string())),
            Ok(checkpoint) => {
                count = usize::saturating_add(count, 1);
                if checkpoint.size <= before {
                    findings.push(named(format!(
                        "it is over {} records and comes after one over {before}",
                        checkpoint.size
                    )));
                }
                before = checkpoint.size;
                if *roots.entry(checkpoint.size).or_insert(checkpoint.root) != checkpoint.root {
                    findings.push(named(
                        "another one over as many records has another root: two trails were signed".into(),
                    ));
                }
            }
        }
    }
    if count == 0 {
        findings
            .push(Finding::file(CHECKPOINTS, "there is no checkpoint by the key: nothing here is signed"));
    }
    Ok((roots, count))
}

fn heads(folder: &Path, findings: &mut Vec<Finding>) -> io::Result<Vec<Head>> {
    let heads = match read_heads(folder) {
        Ok(heads) => heads,
        Err(error) => {
            findings.push(Finding::file(HEADS, format!("can't be read: {error}")));
            return Ok(Vec::new());
        }
    };
    let lying = match fs::read(folder.join(HEADS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    if heads_text(&heads)? != lying {
        findings.push(Finding::file(HEADS, "was changed: it is written in another way than heads are"));
    }
    Ok(heads)
}

/// Reports files that belong to no trail.
fn strangers(folder: &Path, findings: &mut Vec<Finding>) -> io::Result<()> {
    let firsts: Vec<u64> = segments(folder)?.iter().map(|segment| segment.first).collect();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let leaves = name.strip_suffix(".leaves").and_then(|number| segment_of(&format!("{number}.jsonl")));
        let known = [PUBLIC_KEY, CHECKPOINTS, HEADS].contains(&name.as_str())
            || name.starts_with(INDEX)
            || Path::new(&name).extension().is_some_and(|ending| ending == "draft")
            || segment_of(&name).is_some()
            || leaves.is_some_and(|segment| firsts.contains(&segment.first));
        if !known {
            findings.push(Finding::file(&name, "does not belong to the trail"));
        }
    }
    Ok(())
}
