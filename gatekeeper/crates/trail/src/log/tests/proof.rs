//! Proofs of single records.

use super::super::key::Key;
use super::super::prove::{Proof, ProofError};
use super::super::writer::Options;
use super::*;

#[test]
fn every_record_can_be_proved_and_no_other() {
    let state = memory();
    let mut log = open(state.path(), Options { keep_bytes: 30_000, ..options() });
    write(&mut log, 40);
    let first = log.retain().unwrap().unwrap().to;
    pack(&mut log);
    log.append(&[denial(99)]).unwrap();
    let (folder, verifier, size) = (state.path().join("trail"), log.key.verifier(), log.size());
    for index in first..size - 1 {
        let proof = Proof::of(&folder, &verifier, index).unwrap();
        let text = serde_json::to_string(&proof).unwrap();
        let mut read: Proof = serde_json::from_str(&text).unwrap();
        assert!(read.check(&verifier).unwrap().size > index);
        assert!(read.record.contains(&format!("\"sequence\":{index},")), "{}", read.record);
        read.record = read.record.replace("dev", "devil");
        assert!(matches!(read.check(&verifier), Err(ProofError::Elsewhere(_))));
    }
    let another = Key::make("box").unwrap().verifier();
    let proof = Proof::of(&folder, &verifier, first).unwrap();
    assert!(matches!(proof.check(&another), Err(ProofError::Note(_))));
    assert!(matches!(Proof::of(&folder, &verifier, first - 1), Err(ProofError::NoRecord(_))));
    assert!(matches!(Proof::of(&folder, &verifier, size - 1), Err(ProofError::Unsigned(_))));
}
