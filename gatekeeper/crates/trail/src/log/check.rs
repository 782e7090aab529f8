//! One line of the trail against what it says of itself.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::merkle::hex;
use crate::ocsf::{Fingerprint, Link};

/// A line that fits its own fingerprint, in what the chain needs of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedLine {
    /// Its number.
    pub index: u64,
    /// Its trail.
    pub chain: String,
    /// The link that the next line must name.
    pub link: Link,
    /// The fingerprint of the line before, as it names it.
    pub before: Option<Link>,
    /// The first record that is kept, where the line says that the oldest were removed.
    pub kept_from: Option<u64>,
}

/// Reads a line. `None` where it does not fit its own fingerprint, or is written in another way than records
/// are: it was changed.
#[must_use]
pub fn read(line: &[u8]) -> Option<CheckedLine> {
    let mut value: Value = serde_json::from_slice(line).ok()?;
    // There is one way to write a record; serde_json sorts keys, and text and whole numbers it writes as
    // RFC 8785 says.
    if serde_json::to_vec(&value).ok()? != line {
        return None;
    }
    let index = value.get("metadata")?.get("sequence")?.as_u64()?;
    let type_uid = number(value.get("type_uid"))?;
    let attestation = value.pointer_mut("/attestation_list/0")?.as_object_mut()?;
    let stored = attestation.remove("fingerprint")?;
    let fingerprint = stored.get("value")?.as_str()?.to_owned();
    // It covers all but itself, so it must be exactly what it always is.
    if stored != serde_json::to_value(Fingerprint::of(&fingerprint)).ok()? {
        return None;
    }
    let chain = attestation.get("chain_uid")?.as_str()?.to_owned();
    let before = match attestation.get("prev_event") {
        None => None,
        Some(event) => Some(Link {
            type_uid: number(event.get("type_uid"))?,
            fingerprint: event.get("fingerprint")?.get("value")?.as_str()?.to_owned(),
        }),
    };
    let kept_from = value.get("unmapped").and_then(|unmapped| unmapped.get("kept_from")?.as_u64());
    let fits = hex(&Sha256::digest(serde_json::to_vec(&value).ok()?).into()) == fingerprint;
    fits.then_some(CheckedLine { index, chain, link: Link { type_uid, fingerprint }, before, kept_from })
}

fn number(value: Option<&Value>) -> Option<u32> {
    value?.as_u64()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::super::seal::seal;
    use super::*;
    use crate::ocsf::Place;
    use crate::ocsf::samples::{machine, record};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_sealed_record_fits_and_a_changed_one_does_not(
            record in record(), index in 0u64..3, at in any::<prop::sample::Index>(), mask in 1u8..
        ) {
            let before = (index > 0).then(|| Link { type_uid: 7, fingerprint: "ab".repeat(32) });
            let place = Place { index, before: before.clone() };
            let (mut line, link) = seal(&record, &machine(), &place).unwrap();
            let checked = read(&line).unwrap();
            prop_assert_eq!((checked.index, checked.chain, checked.link, checked.before), (index, machine().origin, link, before));
            let at = at.index(line.len());
            line[at] ^= mask;
            prop_assert_eq!(read(&line), None);
        }
    }
}
