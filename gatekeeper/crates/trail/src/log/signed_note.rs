//! Signed notes and checkpoints, as C2SP has them (<https://c2sp.org/signed-note>,
//! <https://c2sp.org/tlog-checkpoint>): short texts that say how large the tree is and what its root is,
//! with an Ed25519 signature below.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::merkle::Hash;

/// Stands before a public key: Ed25519.
const ED25519: u8 = 1;

/// A fault of a note or a key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoteError {
    /// It is no checkpoint.
    #[error("this is not a checkpoint: {0}")]
    Form(&'static str),
    /// It is no public key.
    #[error("this is not a public key: it has the form NAME+ID+KEY, as in `key.pub` of a trail")]
    Key,
    /// It is another trail's.
    #[error("it belongs to \"{found}\", and the key to \"{expected}\"")]
    Origin {
        /// Of the note.
        found: String,
        /// Of the key.
        expected: String,
    },
    /// The signature is not the key's.
    #[error("its signature is not by the key of \"{0}\"")]
    Signature(String),
}

/// A key that checks signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    /// The key's name, which is the trail's.
    pub name: String,
    key: VerifyingKey,
}

impl Verifier {
    /// The public part of a key.
    #[must_use]
    pub fn of(name: &str, key: &SigningKey) -> Self {
        Self { name: name.to_owned(), key: key.verifying_key() }
    }

    /// Reads `NAME+ID+KEY`.
    ///
    /// # Errors
    /// Where it is no key in that form.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim_end().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let bytes = BASE64.decode(key).map_err(|_| NoteError::Key)?;
        let Some((&ED25519, key)) = bytes.split_first() else { return Err(NoteError::Key) };
        let key = <[u8; 32]>::try_from(key).map_err(|_| NoteError::Key)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NoteError::Key)?;
        let found = Self { name: name.to_owned(), key };
        if is_name(name) && found.id_text() == id { Ok(found) } else { Err(NoteError::Key) }
    }

    /// Returns the id of the key, which its signatures begin with.
    fn id(&self) -> [u8; 4] {
        let hash = Sha256::new().chain_update(&self.name).chain_update([b'\n', ED25519]);
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash.chain_update(self.key.as_bytes()).finalize());
        [a, b, c, d]
    }

    fn id_text(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id()))
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = std::iter::once(ED25519).chain(*self.key.as_bytes()).collect();
        write!(f, "{}+{}+{}", self.name, self.id_text(), BASE64.encode(bytes))
    }
}

/// Whether this can be a key's name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+')
}

/// The size of the tree, and its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The trail's name.
    pub origin: String,
    /// Records in the tree.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.0))
    }

    /// The checkpoint as a signed note.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        let text = self.text();
        let verifier = Verifier::of(&self.origin, key);
        let signature = key.sign(text.as_bytes()).to_bytes();
        let bytes: Vec<u8> = verifier.id().into_iter().chain(signature).collect();
        format!("{text}\n\u{2014} {} {}\n", self.origin, BASE64.encode(bytes))
    }

    /// Reads a signed note and checks its signature.
    ///
    /// # Errors
    /// Where it is no checkpoint, another trail's, or not signed by the key.
    pub fn open(note: &str, verifier: &Verifier) -> Result<Self, NoteError> {
        let (text, signatures) = note.split_once("\n\n").ok_or(NoteError::Form("there is no empty line"))?;
        let mut lines = text.split('\n');
        let mut line = |what| lines.next().ok_or(NoteError::Form(what));
        let (origin, size, root) = (line("no origin")?, line("no size")?, line("no root")?);
        if lines.next().is_some() {
            return Err(NoteError::Form("there is more than origin, size and root"));
        }
        let root = BASE64.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let found = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| NoteError::Form("the size is no number"))?,
            root: Hash(root.ok_or(NoteError::Form("the root is no hash"))?),
        };
        if found.origin != verifier.name {
            return Err(NoteError::Origin { found: found.origin, expected: verifier.name.clone() });
        }
        let wrong = || NoteError::Signature(verifier.name.clone());
        let prefix = format!("\u{2014} {} ", verifier.name);
        let signature = signatures.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix('\n'));
        let bytes = signature.and_then(|text| BASE64.decode(text).ok()).ok_or_else(wrong)?;
        let (id, signature) = bytes.split_at_checked(4).ok_or_else(wrong)?;
        let signature = Signature::from_slice(signature).map_err(|_| wrong())?;
        // There is one way to write a checkpoint, so that no byte of it can change unnoticed.
        if id != verifier.id() || found.text() != format!("{text}\n") {
            return Err(wrong());
        }
        let signed = verifier.key.verify_strict(found.text().as_bytes(), &signature);
        signed.map(|()| found).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "gatekeeper/box/1".into(), size: 42, root: Hash([5; 32]) }
    }

    #[test]
    fn signed_and_opened() {
        let verifier = Verifier::of("gatekeeper/box/1", &key());
        let note = checkpoint().sign(&key());
        assert!(note.starts_with("gatekeeper/box/1\n42\nBQUF"), "{note}");
        assert_eq!(Checkpoint::open(&note, &verifier), Ok(checkpoint()));
        let other = Verifier::of("gatekeeper/box/1", &SigningKey::from_bytes(&[8; 32]));
        assert!(matches!(Checkpoint::open(&note, &other), Err(NoteError::Signature(_))));
        let elsewhere = Verifier::of("gatekeeper/box/2", &key());
        assert!(matches!(Checkpoint::open(&note, &elsewhere), Err(NoteError::Origin { .. })));
    }

    /// The example of <https://pkg.go.dev/golang.org/x/mod/sumdb/note>: another implementation's key and note.
    #[test]
    fn keys_are_those_of_another_implementation() {
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let verifier = Verifier::parse(text).unwrap();
        assert_eq!(verifier.to_string(), text);
        let words = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let signature =
            "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let bytes = BASE64.decode(signature).unwrap();
        assert_eq!(bytes[..4], verifier.id());
        let signature = Signature::from_slice(&bytes[4..]).unwrap();
        assert!(verifier.key.verify_strict(words.as_bytes(), &signature).is_ok());
    }

    #[test]
    fn what_is_no_key() {
        let good = Verifier::of("gatekeeper/box/1", &key()).to_string();
        assert_eq!(Verifier::parse(&good).unwrap(), Verifier::of("gatekeeper/box/1", &key()));
        for bad in ["", "x", "a+b", "a+00000000+AQ==", &good.replace("box", "bax")] {
            assert_eq!(Verifier::parse(bad), Err(NoteError::Key), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_byte_can_change(at in 0usize..200, mask in 1u8..) {
            let verifier = Verifier::of("gatekeeper/box/1", &key());
            let mut bytes = checkpoint().sign(&key()).into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= mask;
            let opened = String::from_utf8(bytes).ok().and_then(|note| Checkpoint::open(&note, &verifier).ok());
            prop_assert_eq!(opened, None);
        }
    }
}
