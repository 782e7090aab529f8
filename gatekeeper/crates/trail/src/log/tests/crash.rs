//! Killed at any moment, cut at any byte: nothing acknowledged is lost.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::super::folder::Segment;
use super::*;
use gatekeeper_record::random;

/// Makes this very test program a writer, in a folder of the parent's choice.
const CHILD: &str = "GATEKEEPER_TEST_WRITER";

#[test]
fn torn_at_every_byte_of_a_record() {
    let state = memory();
    let mut log = open(state.path(), options());
    write(&mut log, 3);
    log.append(&[denial(99)]).unwrap();
    drop(log);
    let path = Segment { first: 0, packed: false }.path(&state.path().join("trail"));
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let leaves = fs::read(path.with_extension("leaves")).unwrap();
    let checkpoints = fs::read(state.path().join("trail/checkpoints")).unwrap();
    for cut in last..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        fs::write(path.with_extension("leaves"), &leaves).unwrap();
        fs::write(state.path().join("trail/checkpoints"), &checkpoints).unwrap();
        let log = open(state.path(), options());
        // The four before are there, and one that tells of the cut, if there was one.
        assert_eq!(log.size(), if cut == last { 4 } else { 5 }, "cut at {cut}");
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.contains(&format!("{} bytes after record 3", cut - last)), cut > last);
        sound(state.path());
    }
}

#[test]
fn a_checkpoint_cut_short_is_made_again() {
    let state = memory();
    let mut log = open(state.path(), options());
    write(&mut log, 3);
    log.checkpoint().unwrap();
    drop(log);
    let path = state.path().join("trail/checkpoints");
    let whole = fs::read(&path).unwrap();
    for cut in [whole.len() - 1, whole.len() - 40, whole.len() - 100] {
        fs::write(&path, &whole[..cut]).unwrap();
        drop(open(state.path(), options()));
        assert_eq!(sound(state.path()).signed, 4);
    }
}

#[test]
#[ignore = "no test of its own: the writer that is killed"]
fn writer() {
    let state = std::env::var(CHILD).unwrap();
    let mut log = open(Path::new(&state), Options { checkpoint_records: 50, ..options() });
    loop {
        let batch: Vec<Record> = (0..7).map(|more| denial(log.size() + more)).collect();
        log.append(&batch).unwrap();
        println!("acknowledged {}", log.size());
        log.upkeep().unwrap();
        pack(&mut log);
    }
}

/// The number of times that it is killed; more where somebody asks for it.
const ROUNDS: &str = "GATEKEEPER_CRASHES";
/// Crashes of one trail, before the next is begun: a long trail takes long to verify.
const OF_ONE: usize = 25;

#[test]
fn killed_at_any_moment() {
    let rounds = std::env::var(ROUNDS).map_or(OF_ONE, |rounds| rounds.parse().unwrap());
    let written: u64 = (0..rounds).step_by(OF_ONE).map(|begun| killed(OF_ONE.min(rounds - begun))).sum();
    println!("killed {rounds} times over {written} records");
}

/// Kills a writer so many times; how many records there are then.
fn killed(rounds: usize) -> u64 {
    let state = memory();
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "log::tests::crash::writer", "--nocapture"])
            .env(CHILD, state.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            let sizes = lines.map_while(Result::ok);
            sizes.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok()).last()
        });
        std::thread::sleep(Duration::from_millis(20 + random::number().unwrap() % 120));
        child.kill().unwrap();
        child.wait().unwrap();
        let acknowledged = reader.join().unwrap().unwrap_or(0);
        let log = open(state.path(), options());
        assert!(log.size() >= acknowledged, "round {round}: {} of {acknowledged}", log.size());
        drop(log);
        sound(state.path());
    }
    let size = sound(state.path()).size;
    assert!(size > 4 * rounds as u64, "the writer hardly ever wrote");
    size
}
