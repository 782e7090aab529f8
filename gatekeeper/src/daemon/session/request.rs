//! The bounds of a request for a session: texts, command, workspace.

use std::fs;
use std::path::{Component, Path, PathBuf};

use gatekeeper_record::refusal::{Reason, Refusal};

/// Characters of a purpose, at most: it is shown on a line.
const PURPOSE: usize = 500;
/// Bytes of the command as the record shows it, at most: the client cuts what is longer.
pub const COMMAND: usize = 4000;
/// Words of it, at most.
pub const COMMAND_WORDS: usize = 200;
/// Characters of a name, at most: it is shown in a column.
const NAME: usize = 40;

/// Checks the texts that people will read.
///
/// # Errors
/// [`Reason::Malformed`] where a text is empty, too long or has control characters.
pub fn check_words(name: Option<&str>, purpose: Option<&str>) -> Result<(), Refusal> {
    let plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
    if let Some(name) = name
        && !(plain(name) && name.chars().count() <= NAME)
    {
        let message = format!("a session's name has 1 to {NAME} characters and no control characters");
        return Err(Refusal::new(Reason::Malformed, message));
    }
    if let Some(purpose) = purpose
        && !(plain(purpose) && purpose.chars().count() <= PURPOSE)
    {
        let message = format!("a session's purpose has 1 to {PURPOSE} characters and no control characters");
        return Err(Refusal::new(Reason::Malformed, message));
    }
    Ok(())
}

/// Checks the command as the record will show it.
pub(super) fn check_command(command: &[String]) -> Result<(), Refusal> {
    if command.iter().map(String::len).sum::<usize>() <= COMMAND && command.len() <= COMMAND_WORDS {
        return Ok(());
    }
    let message = format!("the command shown has at most {COMMAND_WORDS} words and {COMMAND} bytes");
    Err(Refusal::new(Reason::Malformed, message))
}

/// System folders: no session works on one, nor below it.
const SYSTEM: [&str; 15] = [
    "/bin",
    "/boot",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/sbin",
    "/sys",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/sbin",
    "/usr/local/bin",
];

/// Folders that hold what belongs to many: projects may lie below them.
const SHARED: [&str; 13] = [
    "/dev",
    "/dev/shm",
    "/home",
    "/root",
    "/run",
    "/usr",
    "/usr/local",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/spool",
];

/// The file of the machine's own users. Those of a name service are known by the folder `/home`: asking for all of them
/// could take minutes.
const USERS: &str = "/etc/passwd";

/// User ids from which on users are people (Debian policy, 9.2.2).
const PEOPLE: u32 = 1000;

/// Checks a workspace by its text alone: the daemon sees more of the tree than the caller may, and must
/// not reveal it. `home` is the owner's.
///
/// # Errors
/// [`Reason::Malformed`] where the path is relative, has `..` or control characters, or is a system folder, a home folder
/// or the parent of one: a session may do nearly anything in its workspace.
pub fn check_workspace(path: &Path, home: &Path) -> Result<(), Refusal> {
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    let text = path.to_string_lossy();
    let control = text.chars().any(char::is_control);
    if !path.is_absolute() || !plain || control {
        let message =
            format!("the workspace {text:?} is not an absolute path without \"..\" and control characters");
        return Err(Refusal::new(Reason::Malformed, message));
    }
    let users = fs::read_to_string(USERS).unwrap_or_default();
    let Some(what) = too_wide(path, home, &users) else { return Ok(()) };
    let message =
        format!("the workspace can't be {text}, {what}: a session may do nearly anything in its workspace");
    let help = "name a project's folder: --workspace DIR. What else it needs, a [[file]] rule opens";
    Err(Refusal::new(Reason::Malformed, message).help(help))
}

/// The reason why a folder is no project's; `users` is the text of passwd(5).
fn too_wide(path: &Path, home: &Path, users: &str) -> Option<&'static str> {
    let home_of = |line: &str| {
        let mut fields = line.split(':').skip(2);
        let uid: u32 = fields.next()?.parse().ok()?;
        let home = PathBuf::from(fields.nth(2)?);
        (uid == 0 || uid >= PEOPLE).then_some(home)
    };
    let homes = || users.lines().filter_map(home_of).chain([home.to_owned()]);
    if path.parent().is_none() {
        Some("the whole file tree")
    } else if SYSTEM.iter().any(|folder| path.starts_with(folder)) {
        Some("a system folder")
    } else if homes().any(|home| home == path) || path.parent() == Some(Path::new("/home")) {
        Some("a home folder")
    } else if homes().any(|home| home.starts_with(path)) {
        Some("a folder with home folders in it")
    } else if SHARED.iter().any(|folder| path == Path::new(folder)) {
        Some("a folder that many programs share")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str) -> Result<(), Refusal> {
        check_workspace(Path::new(path), Path::new("/home/dev"))
    }

    #[test]
    fn workspaces_are_folders_of_projects() {
        for path in
            ["/home/dev/app", "/srv", "/srv/app", "/root/app", "/tmp/x", "/var/lib/ci/app", "/opt/app"]
        {
            assert_eq!(check(path), Ok(()), "{path}");
        }
        for path in ["/", "app", "", "/home/../etc", "/a\nb"] {
            assert!(check(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn no_workspace_is_a_home_folder_its_parent_or_the_systems() {
        let wide = [
            "/",
            "/home",
            "/home/dev",
            "/home/dev/",
            "/home/eve",
            "/root",
            "/etc",
            "/etc/cron.d",
            "/usr",
            "/usr/bin",
            "/var",
            "/var/lib",
            "/boot",
            "/proc/self",
            "/sys",
            "/dev",
            "/bin",
            "/lib",
        ];
        for path in wide {
            let refusal = check(path).unwrap_err();
            assert!(refusal.help.is_some_and(|help| help.contains("--workspace")), "{path}");
        }
    }

    #[test]
    fn homes_elsewhere_are_known_by_the_users_of_the_machine() {
        let users = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:2:2::/srv/daemon:/bin/sh\n\
                     ann:x:1001:1001:Ann:/data/people/ann:/bin/bash\nnobody:x:65534:65534::/nonexistent:/bin/false\n";
        let too_wide = |path| too_wide(Path::new(path), Path::new("/net/me"), users);
        for path in ["/data/people/ann", "/data/people", "/data", "/net/me", "/net", "/root"] {
            assert!(too_wide(path).is_some(), "{path}");
        }
        for path in ["/srv", "/srv/daemon", "/data/people/ann/app", "/data/x", "/net/me/app"] {
            assert_eq!(too_wide(path), None, "{path}");
        }
    }

    #[test]
    fn words_are_short_and_plain() {
        assert!(check_words(Some("fix-42"), Some("help the build")).is_ok());
        assert!(check_words(Some(""), None).is_err());
        assert!(check_words(Some("a\u{1b}[31m"), None).is_err());
        assert!(check_words(None, Some(&"x".repeat(501))).is_err());
    }
}
