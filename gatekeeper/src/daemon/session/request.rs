//! The bounds of a request for a session: texts, command, workspace.

use std::path::{Component, Path};

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

/// Checks a workspace by its text alone: the daemon sees more of the tree than the caller may, and must
/// not reveal it.
///
/// # Errors
/// [`Reason::Malformed`] where the path is relative, is `/`, or has `..` or control characters.
pub fn check_workspace(path: &Path) -> Result<(), Refusal> {
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    let text = path.to_string_lossy();
    let control = text.chars().any(char::is_control);
    if !path.is_absolute() || !plain || control {
        let message =
            format!("the workspace {text:?} is not an absolute path without \"..\" and control characters");
        return Err(Refusal::new(Reason::Malformed, message));
    }
    if path.parent().is_none() {
        let message = "the workspace can't be /: a session may do nearly anything in its workspace";
        return Err(Refusal::new(Reason::Malformed, message).help("name a folder: --workspace DIR"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_are_folders_below_the_root() {
        assert!(check_workspace(Path::new("/home/dev/app")).is_ok());
        for path in ["/", "app", "", "/home/../etc", "/a\nb"] {
            assert!(check_workspace(Path::new(path)).is_err(), "{path:?}");
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
