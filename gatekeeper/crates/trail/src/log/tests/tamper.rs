//! A thousand random tamperings: each is named, none is missed.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::check;
use super::super::folder::Segment;
use super::super::merkle::leaf;
use super::super::seal::seal;
use super::*;
use crate::ocsf::samples::machine;
use crate::ocsf::{Line, Machine, Place};

/// A change that somebody makes to a trail.
#[derive(Clone, Debug)]
enum Tampering {
    /// One byte of one file is changed.
    Flip(Index, Index, u8),
    /// A record is taken away.
    Drop(Index),
    /// A record is put in a second time, somewhere.
    Duplicate(Index, Index),
    /// Two records change places.
    Swap(Index, Index),
    /// A record is changed, and all after it in its segment are made to fit.
    Forge(Index),
    /// The same, with the stored hashes.
    ForgeAll(Index),
    /// A segment's file is taken away.
    Cut(Index),
    /// The end of a file is taken away.
    Truncate(Index, Index),
    /// Another key is put in.
    Key,
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let index = any::<Index>;
    prop_oneof![
        6 => (index(), index(), 1u8..).prop_map(|(file, at, mask)| Tampering::Flip(file, at, mask)),
        2 => index().prop_map(Tampering::Drop),
        2 => (index(), index()).prop_map(|(what, at)| Tampering::Duplicate(what, at)),
        2 => (index(), index()).prop_map(|(one, other)| Tampering::Swap(one, other)),
        2 => index().prop_map(Tampering::Forge),
        2 => index().prop_map(Tampering::ForgeAll),
        1 => index().prop_map(Tampering::Cut),
        2 => (index(), index()).prop_map(|(file, at)| Tampering::Truncate(file, at)),
        1 => Just(Tampering::Key),
    ]
}

/// The finding that a tampering must lead to.
enum Expected {
    /// None: nothing was changed.
    Nothing,
    /// One or more, anywhere.
    Somewhere,
    /// One that names this record first.
    Record(u64),
}

/// A trail to tamper with: 3 segments, the first of them compressed.
struct Victim {
    state: tempfile::TempDir,
    last: Checkpoint,
}

/// The trail before anything is done to it.
static WHOLE: LazyLock<Victim> = LazyLock::new(Victim::make);

impl Victim {
    fn new() -> Self {
        let state = memory();
        fs::create_dir(state.path().join("trail")).unwrap();
        for file in WHOLE.files() {
            fs::copy(&file, state.path().join("trail").join(file.file_name().unwrap())).unwrap();
        }
        Self { state, last: WHOLE.last.clone() }
    }

    fn make() -> Self {
        let state = memory();
        let mut log = open(state.path(), options());
        write(&mut log, 5);
        log.rotate().unwrap();
        pack(&mut log);
        write(&mut log, 6);
        log.rotate().unwrap();
        write(&mut log, 4);
        log.checkpoint().unwrap();
        let last = Checkpoint { origin: log.origin().into(), size: log.size(), root: log.edge.root() };
        drop(log);
        let segments = super::super::folder::segments(&state.path().join("trail")).unwrap();
        assert_eq!(segments.iter().map(|s| s.packed).collect::<Vec<_>>(), [true, false, false]);
        Self { state, last }
    }

    fn folder(&self) -> PathBuf {
        self.state.path().join("trail")
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// The plain segments, with the lines of each.
    fn lines(&self) -> Vec<(PathBuf, Vec<String>)> {
        let segments = super::super::folder::segments(&self.folder()).unwrap();
        let plain = segments.iter().filter(|segment: &&Segment| !segment.packed);
        plain
            .map(|segment| {
                let path = segment.path(&self.folder());
                let text = fs::read_to_string(&path).unwrap();
                (path, text.lines().map(|line| format!("{line}\n")).collect())
            })
            .collect()
    }

    /// Tampers with the trail; returns the finding that `verify` must come to.
    fn suffer(&self, tampering: &Tampering) -> Expected {
        let number = |line: &str| check::read(line.trim_end().as_bytes()).unwrap().index;
        let mut lines = self.lines();
        let all: Vec<(usize, usize)> = lines
            .iter()
            .enumerate()
            .flat_map(|(file, (_, lines))| (0..lines.len()).map(move |at| (file, at)))
            .collect();
        let place = |index: &Index| all[index.index(all.len())];
        let named = match tampering {
            Tampering::Flip(file, at, mask) => {
                let path = file.get(&self.files()).clone();
                let mut bytes = fs::read(&path).unwrap();
                let at = at.index(bytes.len());
                bytes[at] ^= mask;
                fs::write(&path, bytes).unwrap();
                return Expected::Somewhere;
            }
            Tampering::Truncate(file, at) => {
                let path = file.get(&self.files()).clone();
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..at.index(bytes.len())]).unwrap();
                return Expected::Somewhere;
            }
            Tampering::Cut(file) => {
                let segments = super::super::folder::segments(&self.folder()).unwrap();
                fs::remove_file(file.get(&segments).path(&self.folder())).unwrap();
                return Expected::Record(file.get(&segments).first);
            }
            Tampering::Key => {
                let other = super::super::key::Key::make("box").unwrap();
                fs::write(self.folder().join("key.pub"), format!("{}\n", other.verifier())).unwrap();
                return Expected::Somewhere;
            }
            Tampering::Drop(what) => {
                let (file, at) = place(what);
                number(&lines[file].1.remove(at))
            }
            Tampering::Duplicate(what, to) => {
                let ((from, what), (file, at)) = (place(what), place(to));
                let line = lines[from].1[what].clone();
                let here = number(&lines[file].1[at]);
                let original = number(&line);
                lines[file].1.insert(at, line);
                // Put before itself, it is the second of the two that is one too many.
                if original == here { here + 1 } else { here }
            }
            Tampering::Swap(one, other) => {
                let (one, other) = (place(one).min(place(other)), place(one).max(place(other)));
                if one == other {
                    return Expected::Nothing;
                }
                let first = lines[one.0].1[one.1].clone();
                let second = std::mem::replace(&mut lines[other.0].1[other.1], first.clone());
                lines[one.0].1[one.1] = second;
                number(&first)
            }
            Tampering::Forge(what) => Self::forge(&mut lines, place(what), false),
            Tampering::ForgeAll(what) => {
                Self::forge(&mut lines, place(what), true);
                for (path, lines) in lines {
                    fs::write(path, lines.concat()).unwrap();
                }
                return Expected::Somewhere;
            }
        };
        for (path, lines) in lines {
            fs::write(path, lines.concat()).unwrap();
        }
        Expected::Record(named)
    }

    /// The act of somebody who knows all but the private key: changes a record, and seals it and all after it
    /// anew.
    fn forge(lines: &mut [(PathBuf, Vec<String>)], (file, at): (usize, usize), hashes: bool) -> u64 {
        let number = |line: &str| check::read(line.trim_end().as_bytes()).unwrap().index;
        let named = number(&lines[file].1[at]);
        let checked = |line: &str| check::read(line.trim_end().as_bytes()).unwrap();
        let mut before = checked(&lines[file].1[at]).before;
        let (mut from, mut changed) = (at, false);
        for (path, lines) in &mut lines[file..] {
            for line in &mut lines[from..] {
                let stored: Line = serde_json::from_str(line.trim_end()).unwrap();
                let mut record = stored.record().unwrap();
                if !changed {
                    let Record::Event(event) = &mut record else { panic!("no event") };
                    event.reason = "nothing to see here".into();
                    changed = true;
                }
                let origin = stored.attestation_list[0].chain_uid.to_string();
                let place = Place { index: stored.metadata.sequence, before: before.take() };
                let machine = Machine { origin, ..machine() };
                let (mut sealed, link) = seal(&record, &machine, &place).unwrap();
                before = Some(link);
                sealed.push(b'\n');
                *line = String::from_utf8(sealed).unwrap();
            }
            from = 0;
            if hashes {
                let all: Vec<u8> = lines.iter().flat_map(|line| leaf(line.trim_end().as_bytes()).0).collect();
                fs::write(path.with_extension("leaves"), all).unwrap();
            }
        }
        named
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn every_tampering_is_named(tampering in tampering()) {
        let victim = Victim::new();
        let expected = victim.suffer(&tampering);
        let report = check(victim.state.path(), Some(&victim.last));
        prop_assert_eq!(report.findings.is_empty(), matches!(expected, Expected::Nothing), "{:?}", report.findings);
        if let Expected::Record(record) = expected {
            prop_assert_eq!(report.findings[0].record, Some(record), "{:?}", report.findings);
        }
        if let Tampering::ForgeAll(_) = tampering {
            let what = &report.findings[0].problem;
            prop_assert!(what.contains("not the one that was signed"), "{}", what);
        }
    }
}

#[test]
fn records_taken_from_the_end_with_their_checkpoints() {
    let victim = Victim::new();
    let notes = victim.folder().join("checkpoints");
    let text = fs::read_to_string(&notes).unwrap();
    let kept: String =
        super::super::folder::notes(&text).take_while(|note| !note.contains("\n16\n")).collect();
    assert_eq!(victim.last.size, 16, "{text}");
    fs::write(&notes, kept).unwrap();
    let (path, mut lines) = victim.lines().pop().unwrap();
    lines.pop();
    fs::write(&path, lines.concat()).unwrap();
    let leaves = fs::read(path.with_extension("leaves")).unwrap();
    fs::write(path.with_extension("leaves"), &leaves[..leaves.len() - 32]).unwrap();
    // Nothing in the folder tells. A checkpoint kept elsewhere does.
    assert_eq!(check(victim.state.path(), None).findings, []);
    let report = check(victim.state.path(), Some(&victim.last));
    assert_eq!(report.findings[0].to_string(), "record 15: they are gone from the end of the trail");
}
