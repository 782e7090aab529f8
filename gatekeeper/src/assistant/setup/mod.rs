//! The files in which each assistant looks for hooks, and gatekeeper's entries in them.

mod entries;
mod json;
pub mod place;
#[cfg(test)]
mod tests;
mod toml;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use super::Assistant;
pub use place::{Form, Scope};

/// Error in setting up hooks.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The assistant has no such place.
    #[error("{assistant} knows no file for the whole system: use --user or --project", assistant = .0.name())]
    NoPlace(Assistant),
    /// The file can't be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is broken, or not what the assistant expects.
    #[error("{path}:{line}:{column}: {message}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Description of the problem, and the help.
        message: String,
    },
    /// A file stands there that somebody else wrote.
    #[error("{path}: this file is not gatekeeper's: move it away first", path = .0.display())]
    Foreign(PathBuf),
    /// A folder, pipe or device has the file's name.
    #[error("{path}: this is no regular file\nhelp: move it away first", path = .0.display())]
    NoFile(PathBuf),
    /// A link where root writes: it could lead anywhere.
    #[error("{path}: root does not write through a symbolic link: replace it by the file itself", path = .0.display())]
    Link(PathBuf),
}

/// Problem in a file's text, and its position.
struct Fault {
    line: usize,
    column: usize,
    message: String,
}

impl Fault {
    /// Makes a fault at this offset, in bytes from the text's start.
    fn at(text: &str, offset: usize, message: String) -> Self {
        let head = text.get(..offset).unwrap_or(text);
        let start = head.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: head.matches('\n').count() + 1,
            column: head.get(start..).unwrap_or_default().chars().count() + 1,
            message,
        }
    }
}

/// A change of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The folder of the scope: what leads to it is the system's, and what lies in it may be a user's.
    pub base: PathBuf,
    /// The file.
    pub path: PathBuf,
    /// Text before the change; `None` where there is no file.
    pub before: Option<String>,
    /// Text after the change; `None` where nothing of it remains.
    pub after: Option<String>,
}

impl Change {
    /// Works out what is to be changed. `program`: gatekeeper's own, by its path.
    ///
    /// # Errors
    /// Where the assistant has no such file, it can't be read, or its content is not understood or not gatekeeper's.
    pub fn plan(
        assistant: Assistant,
        scope: &Scope,
        program: &Path,
        remove: bool,
    ) -> Result<Self, SetupError> {
        let (path, form) = place::of(assistant, scope).ok_or(SetupError::NoPlace(assistant))?;
        let base = scope.folder().to_owned();
        let before = write::read(&base, &path)?;
        let program = program.display().to_string();
        let text = before.as_deref().filter(|text| !text.trim().is_empty());
        let content = |fault: Fault| SetupError::Content {
            path: path.clone(),
            line: fault.line,
            column: fault.column,
            message: fault.message,
        };
        let after = match form {
            Form::Json => json::edit(assistant, text, &program, remove).map_err(content)?,
            Form::Toml => toml::edit(assistant, text, &program, remove).map_err(content)?,
            Form::Plugin => {
                if text.is_some_and(|text| !text.starts_with(entries::PLUGIN_HEAD)) {
                    return Err(SetupError::Foreign(path));
                }
                (!remove).then(|| entries::plugin(&program))
            }
        };
        Ok(Self { base, path, before, after })
    }

    /// Whether there is anything to do.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.before == self.after
    }

    /// The change for people, as diff(1) shows it.
    #[must_use]
    pub fn diff(&self) -> String {
        let [before, after] = [&self.before, &self.after].map(|text| text.as_deref().unwrap_or_default());
        let name = self.path.display().to_string();
        similar::TextDiff::from_lines(before, after).unified_diff().header(&name, &name).to_string()
    }

    /// Makes the change: afterwards the file is the old one or the new one, whole.
    ///
    /// # Errors
    /// Where the file can't be written or removed, or is a link and root would write it.
    pub fn make(&self) -> Result<(), SetupError> {
        write::write(&self.base, &self.path, self.after.as_deref())
    }
}
