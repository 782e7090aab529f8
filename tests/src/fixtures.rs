//! Fixtures that tests act on: folders that the suite's policy opens and shuts, and that policy.

use std::ffi::{CStr, CString};
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::policies::policy;
use crate::world::POLICIES;

/// The suite's own program: what acts.
pub const ACTOR: &str = "/usr/libexec/gatekeeper-tests/gatekeeper-suite";
/// Everything is allowed here.
pub const OPEN: &str = "/srv/suite/open";
/// Nothing is allowed here.
pub const SHUT: &str = "/srv/suite/shut";
/// Everything but mapping and starting what is here.
pub const PLAIN: &str = "/srv/suite/plain";
/// `${workspace}` of the suite's sessions.
pub const WORK: &str = "/srv/suite/open/work";
/// The reason that the suite's policy gives for shutting something.
pub const REASON: &str = "shut for the suite";
/// The content of files that tests make.
pub const CONTENT: &str = "what is only for those who may read it\n";
/// The reason where no rule applies.
pub const SILENT: &str = "no matching rule (default: deny)";
/// The port that the suite's policy opens on loopback, and one that it does not.
pub const OPEN_PORT: u16 = 7001;
pub const SHUT_PORT: u16 = 7002;

/// The suite's policy: found by name as `suite`.
const POLICY: &str = policy!("suite");

/// Everything passes, for layers that must not narrow.
const WIDE: &str = policy!("wide");

const CONFIGURATION: &str = include_str!("../gatekeeper.toml");

/// A file that is open and one that is shut, each in a folder of this name.
pub fn pair(name: &str) -> Result<[String; 2]> {
    let paths = [OPEN, SHUT].map(|place| format!("{place}/{name}"));
    paths.iter().try_for_each(|path| folder(path))?;
    let files = paths.map(|path| format!("{path}/file"));
    files.iter().try_for_each(|path| file(path))?;
    Ok(files)
}

/// Creates the fixtures.
pub fn lay() -> Result<()> {
    for folder in ["/srv/suite", OPEN, SHUT, PLAIN, WORK] {
        fs::create_dir_all(folder).with_context(|| format!("making {folder}"))?;
        if folder != "/srv/suite" {
            give(Path::new(folder))?;
        }
    }
    for (path, text) in [
        ("/etc/gatekeeper/gatekeeper.toml".to_owned(), CONFIGURATION),
        ("/etc/gatekeeper/hook.secret".to_owned(), "a secret of the suite\n"),
        (format!("{POLICIES}/suite.toml"), POLICY),
        (format!("{POLICIES}/wide.toml"), WIDE),
    ] {
        fs::write(&path, text).with_context(|| format!("writing {path}"))?;
    }
    Ok(())
}

/// Makes something the developer's.
pub fn give(path: &Path) -> Result<()> {
    chown(path, Some(1000), Some(1000)).with_context(|| format!("giving {} away", path.display()))
}

/// An empty folder of the developer's, in the place of whatever was there.
pub fn folder(path: &str) -> Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        fs::remove_dir_all(path).with_context(|| format!("removing {path}"))?;
    }
    fs::create_dir_all(path).with_context(|| format!("making {path}"))?;
    give(Path::new(path))
}

/// A file of the developer's with the usual content.
pub fn file(path: &str) -> Result<()> {
    file_with(path, CONTENT.as_bytes())
}

/// A file of the developer's.
pub fn file_with(path: &str, content: &[u8]) -> Result<()> {
    fs::write(path, content).with_context(|| format!("writing {path}"))?;
    give(Path::new(path))
}

/// A copy of a program, the developer's.
pub fn program(from: &str, path: &str) -> Result<()> {
    fs::copy(from, path).with_context(|| format!("copying {from} to {path}"))?;
    give(Path::new(path))
}

/// Gives a file an attribute of a user's.
pub fn describe(path: &str, value: &str) -> Result<()> {
    set_attribute(path, c"user.suite", value.as_bytes())
}

/// Gives whoever starts a program `CAP_NET_RAW` (capabilities(7), `struct vfs_cap_data` of version 2).
pub fn empower(path: &str) -> Result<()> {
    let words: [u32; 5] = [0x0200_0001, 1 << 13, 0, 0, 0];
    let value: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    set_attribute(path, c"security.capability", &value)
}

fn set_attribute(path: &str, name: &CStr, value: &[u8]) -> Result<()> {
    let file = CString::new(path)?;
    // SAFETY: both names end in NUL; the kernel reads the given length.
    let done = unsafe { libc::setxattr(file.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    ensure!(done == 0, "giving {path} the attribute {name:?}: {}", std::io::Error::last_os_error());
    Ok(())
}
