//! The fuzz targets on bytes drawn at random and on damaged samples: a few seconds of them, or as long as
//! `GATEKEEPER_FUZZ_SECONDS` says.

#[path = "../../tests/fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use gatekeeper_common::event::Header;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;

/// Small policies of every form, right and wrong; the one that grows too large takes its time each time.
fn policies() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/policies");
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
    let texts = files.filter(|file| file.is_file()).flat_map(fs::read);
    let grows = |text: &[u8]| text.windows(9).any(|part| part == b"too large");
    let small: Vec<_> = texts.filter(|text| text.len() < 2000 && !grows(text)).collect();
    assert!(small.len() > 50);
    small
}

fn requests() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"protocol":1,"request":{"verb":"status"}}"#,
        r#"{"protocol":1,"request":{"verb":"events","follow":true}}"#,
        r#"{"protocol":1,"request":{"verb":"run","policy":{"name":"base"},"workspace":"/srv","purpose":"x"}}"#,
        r#"{"protocol":9,"request":{"verb":"sessions"}}"#,
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// A sample with some places changed, taken out or doubled.
fn damaged(samples: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let telling = select(b"\n\"'[]{}*?/\\$.=,0".as_slice());
    let damage = (any::<Index>(), 0_u8..4, prop_oneof![any::<u8>(), telling]);
    (select(samples), vec(damage, 0..4)).prop_map(|(mut bytes, damage)| {
        for (at, how, byte) in damage {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                _ => {
                    let some: Vec<u8> = bytes[at..].iter().take(40).copied().collect();
                    bytes.splice(at..at, some);
                }
            }
        }
        bytes
    })
}

/// A header whose codes are mostly known ones, and an object.
fn events() -> impl Strategy<Value = Vec<u8>> {
    let verdict = select(Verdict::ALL.as_slice()).prop_map(|verdict| verdict as u8);
    let codes = (0..=Operation::ALL.len() as u8, verdict, 0..=Cause::ALL.len() as u8, 0_u8..7);
    let address = select([4_u8, 6].as_slice()).prop_map(|version| {
        let mut address = vec![7; 20];
        (address[18], address[19]) = (version, 1);
        address
    });
    let object = prop_oneof![vec(any::<u8>(), 0..64), address];
    (vec(any::<u8>(), size_of::<Header>()), codes, object, 0_u32..3).prop_map(
        |(bytes, codes, object, more)| {
            let mut header: Header = bytemuck::pod_read_unaligned(&bytes);
            (header.operation, header.verdict, header.cause, header.object) = codes;
            header.length = object.len() as u32 + more / 2;
            [bytemuck::bytes_of(&header), &object].concat()
        },
    )
}

fn pattern() -> impl Strategy<Value = Vec<u8>> {
    let pieces: &[&[u8]] = &[
        b"/",
        b"a",
        b"b",
        b"ab",
        b"*",
        b"**",
        b"?",
        b"[a-b]",
        b"[!a]",
        b"{a,b}",
        b"{",
        b"}",
        b",",
        b"\\",
        b"\xc3\xa9",
        b"\xff",
    ];
    let begins: &[&[u8]] = &[b"**/", b"/"];
    (select(begins), vec(select(pieces), 0..9)).prop_map(|(begin, pieces)| [begin, &pieces.concat()].concat())
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    let names: &[&[u8]] = &[b"/a", b"/ab", b"/b", b"/\xc3\xa9", b"/\xff", b"/{", b"/*"];
    vec(select(names), 0..6).prop_map(|names| if names.is_empty() { b"/".to_vec() } else { names.concat() })
}

/// Cases tried at once; more rounds of them until the time is up.
const CASES: u32 = 500;

/// Tries a target on inputs drawn at random: one round, or for as long as `GATEKEEPER_FUZZ_SECONDS` says.
fn fuzz<S: Strategy>(inputs: S, target: impl Fn(S::Value)) {
    let seconds = std::env::var("GATEKEEPER_FUZZ_SECONDS").unwrap_or_else(|_| "0".to_owned());
    let seconds = seconds.parse().unwrap_or_else(|error| panic!("GATEKEEPER_FUZZ_SECONDS: {error}"));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut tried = 0;
    loop {
        let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
        let result = TestRunner::new(config).run(&inputs, |input| {
            target(input);
            Ok(())
        });
        if let Err(error) = result {
            panic!("{error}");
        }
        tried += CASES;
        if Instant::now() >= until {
            break;
        }
    }
    println!("{tried} inputs tried");
}

#[test]
fn policies_are_refused_or_fit() {
    fuzz(prop_oneof![8 => damaged(policies()), 1 => vec(any::<u8>(), 0..200)], |bytes| {
        targets::policy(&bytes)
    });
}

#[test]
fn patterns_mean_one_thing() {
    fuzz((pattern(), pattern(), path()), |(first, second, path)| {
        targets::glob(&[first, second, path].join(&b'\n'));
    });
}

#[test]
fn events_are_refused_or_recorded() {
    fuzz(prop_oneof![8 => events(), 1 => vec(any::<u8>(), 0..300)], |bytes| targets::event(&bytes));
}

#[test]
fn requests_are_refused_or_mean_one_thing() {
    fuzz(prop_oneof![8 => damaged(requests()), 1 => vec(any::<u8>(), 0..100)], |bytes| {
        targets::protocol(&bytes);
    });
}
