//! The variables of a session that whoever calls the command line would open.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::PolicyError;
use crate::vars::Vars;

/// The variables that the command line sets; the rest is the caller's own.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The workspace; left out: the current folder.
    pub workspace: Option<PathBuf>,
    /// The user's name; left out: the caller.
    pub user: Option<String>,
    /// The home folder; left out: the user's.
    pub home: Option<PathBuf>,
    /// The folder for temporary files; left out: `/tmp`.
    pub tmp: Option<PathBuf>,
    /// The session's name; left out: `policy`.
    pub session: Option<String>,
}

impl Given {
    /// Fills in those that are left out.
    ///
    /// # Errors
    /// Where the named user has no entry in /etc/passwd, and no home is given.
    pub fn vars(&self) -> Result<Vars, PolicyError> {
        let uid = std::fs::metadata("/proc/self").map_or(u32::MAX, |about| about.uid());
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let known = match &self.user {
            Some(name) => entries(&passwd).find(|entry| entry.name == *name),
            None => entries(&passwd).find(|entry| entry.uid == uid),
        };
        let user = match (&self.user, &known) {
            (Some(name), _) => name.clone(),
            (None, Some(entry)) => entry.name.to_owned(),
            (None, None) => std::env::var("USER").unwrap_or_else(|_| uid.to_string()),
        };
        if self.user.is_some() && known.is_none() && self.home.is_none() {
            return Err(PolicyError::whole(
                "",
                format!("user `{user}` is not in /etc/passwd"),
                "add --home DIR",
            ));
        }
        let own = || std::env::var_os("HOME").map_or_else(|| "/nonexistent".into(), PathBuf::from);
        let home = match (&self.home, &known) {
            (Some(home), _) => home.clone(),
            (None, Some(entry)) => PathBuf::from(entry.home),
            (None, None) => own(),
        };
        let workspace = self.workspace.clone().unwrap_or_else(|| ".".into());
        let tmp = self.tmp.clone().unwrap_or_else(|| "/tmp".into());
        let uid = known.map_or(uid, |entry| entry.uid);
        let session = self.session.as_deref().unwrap_or("policy");
        Ok(Vars::new(&real(&workspace), &real(&home), &user, uid, &real(&tmp), session))
    }
}

/// The real path, or the absolute one where there is nothing yet.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

struct Entry<'a> {
    name: &'a str,
    uid: u32,
    home: &'a str,
}

fn entries(passwd: &str) -> impl Iterator<Item = Entry<'_>> {
    passwd.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, _, _, home, ..] = fields.as_slice() else { return None };
        Some(Entry { name, uid: uid.parse().ok()?, home })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_nobody_knows_needs_a_home() {
        let mut given = Given { user: Some("nobody-of-this-name".to_owned()), ..Given::default() };
        assert!(given.vars().is_err());
        given.home = Some("/home/x".into());
        let vars = given.vars().unwrap();
        let value = |name: &str| vars.iter().find(|(known, _)| *known == name).unwrap().1.to_vec();
        assert_eq!(value("home"), b"/home/x");
        assert_eq!(value("user"), b"nobody-of-this-name");
        assert!(value("workspace").starts_with(b"/"));
    }
}
