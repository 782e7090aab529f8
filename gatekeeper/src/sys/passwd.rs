//! The databases of users and groups.

use std::ffi::CString;
use std::io;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

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

impl From<User> for Entry {
    fn from(user: User) -> Self {
        Self { uid: user.uid.as_raw(), gid: user.gid.as_raw(), name: user.name, home: user.dir }
    }
}

/// Returns the user with this id, if there is one.
///
/// # Errors
/// Where the database can't be read.
pub fn by_uid(uid: u32) -> io::Result<Option<Entry>> {
    found(User::from_uid(Uid::from_raw(uid))).map(|user| user.map(Entry::from))
}

/// Returns the user with this name, if there is one.
///
/// # Errors
/// Where the database can't be read.
pub fn by_name(name: &str) -> io::Result<Option<Entry>> {
    found(User::from_name(name)).map(|user| user.map(Entry::from))
}

/// Returns the id of the group with this name, if there is one.
///
/// # Errors
/// Where the database can't be read.
pub fn group(name: &str) -> io::Result<Option<u32>> {
    found(Group::from_name(name)).map(|group| group.map(|group| group.gid.as_raw()))
}

/// Returns the ids of all groups that a user is in, as logging in would give them.
///
/// # Errors
/// Where they can't be listed.
pub fn groups_of(user: &Entry) -> io::Result<Vec<u32>> {
    let name = CString::new(user.name.as_str())?;
    let groups = getgrouplist(&name, Gid::from_raw(user.gid))?;
    Ok(groups.into_iter().map(Gid::as_raw).collect())
}

/// Turns the errors by which the C library reports a missing entry, besides success, into none (getpwnam(3)).
fn found<T>(answer: nix::Result<Option<T>>) -> io::Result<Option<T>> {
    match answer {
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
        other => Ok(other?),
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
        assert_eq!(group("root").unwrap(), Some(0));
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
        assert_eq!(group("no-such-group-here").unwrap(), None);
    }
}
