//! The keys of a trail: made at first start, for root only. The public part lies in the trail's folder.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;

use super::signed_note::{Verifier, is_name};
use crate::files;
use crate::state_file::{self, SetAside, named, read_or_set_aside};
use gatekeeper_record::random;

/// The beginning of the private key's file, as other tools for signed notes have it.
const PRIVATE: &str = "PRIVATE+KEY+";

/// The help where a trail's key is damaged or missing.
pub const HELP: &str = "restore the file from a backup. Without one, begin a new trail: keep the folder `trail` beside it under \
                        another name, as evidence, remove what is left of `trail.key`, and start the daemon again";

/// The key that signs checkpoints.
#[derive(Debug)]
pub struct Key {
    /// Its name, which is the trail's.
    pub name: String,
    /// The key.
    pub key: SigningKey,
}

impl Key {
    /// Reads the key; `None` where there is none.
    ///
    /// # Errors
    /// Where the file can't be read, or holds no key.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let Some(bytes) = state_file::read(path).map_err(named(path, HELP))? else { return Ok(None) };
        let found = std::str::from_utf8(&bytes).ok().and_then(|text| Self::parse(text.trim_end()));
        let none = || io::Error::new(io::ErrorKind::InvalidData, "this is not a signing key");
        found.map(Some).ok_or_else(none).map_err(named(path, HELP))
    }

    /// Makes one for this machine, and keeps it in a file.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn create(path: &Path, host: &str) -> io::Result<Self> {
        let made = Self::make(host)?;
        files::write_atomically(path, format!("{}\n", made.text()).as_bytes()).map_err(named(path, HELP))?;
        Ok(made)
    }

    /// Makes a key, and a name that no other trail has.
    ///
    /// # Errors
    /// Where the kernel has no random number to give.
    pub fn make(host: &str) -> io::Result<Self> {
        let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect();
        let name = format!("gatekeeper/{host}/{:08x}", random::number()? >> 32);
        Ok(Self { name, key: SigningKey::from_bytes(&secret()?) })
    }

    /// The public part.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier::of(&self.name, &self.key)
    }

    fn text(&self) -> String {
        let public = self.verifier().to_string();
        let id = public.strip_prefix(&self.name).and_then(|rest| rest.get(1..9)).unwrap_or_default();
        let bytes: Vec<u8> = std::iter::once(1).chain(self.key.to_bytes()).collect();
        format!("{PRIVATE}{}+{id}+{}", self.name, BASE64.encode(bytes))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PRIVATE)?.splitn(3, '+');
        let (name, _, key) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = BASE64.decode(key).ok()?;
        let (1, seed) = bytes.split_first().map(|(kind, seed)| (*kind, seed))? else { return None };
        let found = Self { name: name.to_owned(), key: SigningKey::from_bytes(&seed.try_into().ok()?) };
        (is_name(name) && found.text() == text).then_some(found)
    }
}

/// Reads the key of the digests that stand for secrets, or makes one: then digests from before can't be compared with those
/// from now on.
///
/// # Errors
/// Where the file can't be written, or a damaged one can't be renamed.
pub fn mask_key(path: &Path, set_aside: &mut Vec<SetAside>) -> io::Result<[u8; 32]> {
    let parse = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map_err(|_| "it is not a key of 32 bytes");
    if let Some(key) = read_or_set_aside(path, set_aside, parse)? {
        return Ok(key);
    }
    let key = secret()?;
    files::write_atomically(path, &key)?;
    Ok(key)
}

fn secret() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    for chunk in bytes.as_chunks_mut::<8>().0 {
        *chunk = random::number()?.to_ne_bytes();
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn made_once_and_for_root_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trail.key");
        assert!(Key::read(&path).unwrap().is_none());
        let first = Key::create(&path, "b o+x").unwrap();
        assert!(first.name.starts_with("gatekeeper/box/"), "{}", first.name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Key::read(&path).unwrap().unwrap();
        assert_eq!((again.name, again.key.to_bytes()), (first.name, first.key.to_bytes()));
        fs::write(&path, "PRIVATE+KEY+x+1+AA==").unwrap();
        assert!(Key::read(&path).unwrap_err().to_string().contains("not a signing key"));
    }

    #[test]
    fn the_mask_key_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.key");
        let mut aside = Vec::new();
        let first = mask_key(&path, &mut aside).unwrap();
        assert_eq!(mask_key(&path, &mut aside).unwrap(), first);
        assert!(aside.is_empty());
        fs::write(&path, "short").unwrap();
        assert_ne!(mask_key(&path, &mut aside).unwrap(), first);
        assert_eq!(fs::read(&aside[0].aside).unwrap(), b"short");
    }
}
