//! The user database.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;

/// One user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// User id.
    pub uid: u32,
    /// Login name.
    pub name: String,
    /// Home directory.
    pub home: PathBuf,
}

/// An entry is a line; longer ones are somebody's mistake.
const LONGEST: usize = 1 << 20;

/// The user with this id, if there is one.
pub fn by_uid(uid: u32) -> io::Result<Option<Entry>> {
    // SAFETY: `find` gives pointers that are valid for the call, and the length that belongs to them.
    find(|entry, buffer, length, found| unsafe { libc::getpwuid_r(uid, entry, buffer, length, found) })
}

/// The user with this name, if there is one.
pub fn by_name(name: &str) -> io::Result<Option<Entry>> {
    let name = CString::new(name)?;
    // SAFETY: as in `by_uid`; the name ends with NUL and outlives the call.
    find(|entry, buffer, length, found| unsafe {
        libc::getpwnam_r(name.as_ptr(), entry, buffer, length, found)
    })
}

fn find(
    mut ask: impl FnMut(*mut libc::passwd, *mut libc::c_char, libc::size_t, *mut *mut libc::passwd) -> libc::c_int,
) -> io::Result<Option<Entry>> {
    let mut buffer = vec![0u8; 4096];
    loop {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut found = ptr::null_mut();
        let code = ask(entry.as_mut_ptr(), buffer.as_mut_ptr().cast(), buffer.len(), &mut found);
        match code {
            0 if found.is_null() => return Ok(None),
            0 => {}
            libc::ERANGE if buffer.len() < LONGEST => {
                buffer.resize(buffer.len() * 2, 0);
                continue;
            }
            // What the C library answers for "no such user" besides success (see getpwnam(3)).
            libc::ENOENT | libc::ESRCH => return Ok(None),
            code => return Err(io::Error::from_raw_os_error(code)),
        }
        // SAFETY: the call succeeded and found somebody, so the entry is filled.
        let entry = unsafe { entry.assume_init() };
        // SAFETY: the strings lie in `buffer`, end with NUL, and are copied before it goes.
        let (name, home) = unsafe { (CStr::from_ptr(entry.pw_name), CStr::from_ptr(entry.pw_dir)) };
        return Ok(Some(Entry {
            uid: entry.pw_uid,
            name: name.to_string_lossy().into_owned(),
            home: PathBuf::from(OsStr::from_bytes(home.to_bytes())),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_both_ways() {
        let root = by_uid(0).unwrap().unwrap();
        assert_eq!(root.name, "root");
        assert_eq!(by_name("root").unwrap().unwrap(), root);
    }

    #[test]
    fn nobody_by_that_name() {
        assert_eq!(by_name("no-such-user-here").unwrap(), None);
    }
}
