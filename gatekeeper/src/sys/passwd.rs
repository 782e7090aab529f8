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
    /// Group id.
    pub gid: u32,
    /// Login name.
    pub name: String,
    /// Home directory.
    pub home: PathBuf,
}

/// An entry is a line; longer ones are somebody's mistake.
const LONGEST: usize = 1 << 20;

/// The user with this id, if there is one.
///
/// # Errors
/// Where the user database can't be read.
pub fn by_uid(uid: u32) -> io::Result<Option<Entry>> {
    // SAFETY: `find` gives pointers that are valid for the call, and the length that belongs to them.
    find(|entry, buffer, length, found| unsafe { libc::getpwuid_r(uid, entry, buffer, length, found) })
}

/// The user with this name, if there is one.
///
/// # Errors
/// Where the name holds a NUL, or the user database can't be read.
pub fn by_name(name: &str) -> io::Result<Option<Entry>> {
    let name = CString::new(name)?;
    // SAFETY: as in `by_uid`; the name ends with NUL and outlives the call.
    find(|entry, buffer, length, found| unsafe {
        libc::getpwnam_r(name.as_ptr(), entry, buffer, length, found)
    })
}

/// The id of the group with this name, if there is one.
///
/// # Errors
/// Where the name holds a NUL, or the group database can't be read.
pub fn group(name: &str) -> io::Result<Option<u32>> {
    let name = CString::new(name)?;
    let mut buffer = vec![0u8; 4096];
    loop {
        let mut entry = MaybeUninit::<libc::group>::uninit();
        let mut found = ptr::null_mut();
        // SAFETY: the name ends with NUL; the other pointers are to memory of ours, with its length.
        let code = unsafe {
            libc::getgrnam_r(
                name.as_ptr(),
                entry.as_mut_ptr(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut found,
            )
        };
        match code {
            0 if found.is_null() => return Ok(None),
            // SAFETY: the call succeeded and found a group, so the entry is filled.
            0 => return Ok(Some(unsafe { entry.assume_init() }.gr_gid)),
            libc::ERANGE if buffer.len() < LONGEST => buffer.resize(buffer.len() * 2, 0),
            libc::ENOENT | libc::ESRCH => return Ok(None),
            code => return Err(io::Error::from_raw_os_error(code)),
        }
    }
}

/// The ids of all groups that a user is in, as logging in would give them.
///
/// # Errors
/// Where the name holds a NUL, or the user's groups can't be listed.
pub fn groups_of(user: &Entry) -> io::Result<Vec<u32>> {
    let name = CString::new(user.name.as_str())?;
    let mut groups = vec![0; 64];
    loop {
        let mut count = libc::c_int::try_from(groups.len()).map_err(io::Error::other)?;
        // SAFETY: the name ends with NUL; the list is ours, and `count` says how long it is.
        let code =
            unsafe { libc::getgrouplist(name.as_ptr(), user.gid, groups.as_mut_ptr(), &raw mut count) };
        let count = usize::try_from(count).map_err(io::Error::other)?;
        if code >= 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        if count <= groups.len() || count > LONGEST {
            return Err(io::Error::other(format!("the groups of {} can't be listed", user.name)));
        }
        groups.resize(count, 0);
    }
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
            gid: entry.pw_gid,
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
    fn a_users_own_group_is_among_theirs() {
        let root = by_uid(0).unwrap().unwrap();
        assert!(groups_of(&root).unwrap().contains(&root.gid));
        let stranger = Entry { name: "no-such-user-here".into(), gid: 4711, ..root };
        assert_eq!(groups_of(&stranger).unwrap(), [4711]);
    }

    #[test]
    fn nobody_by_that_name() {
        assert_eq!(by_name("no-such-user-here").unwrap(), None);
    }
}
