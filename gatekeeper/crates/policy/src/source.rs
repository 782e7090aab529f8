//! The text of a policy file, and the way from a byte offset to a line and a column.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::error::{Help, PolicyError};

/// Bytes of a policy file, at most: ten thousand rules take about one megabyte.
const FILE_BYTES: u64 = 16 << 20;

/// A policy file as read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name shown in errors.
    pub name: String,
    /// Where it was read from; `None` where the text came over the control socket.
    pub path: Option<PathBuf>,
    /// The text.
    pub text: String,
    /// Offset of the first byte of each line.
    lines: Vec<usize>,
}

impl Source {
    /// A source from text at hand.
    #[must_use]
    pub fn new(name: impl Into<String>, path: Option<PathBuf>, text: String) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Self { name: name.into(), path, text, lines }
    }

    /// Reads a regular file of at most 16 MiB.
    ///
    /// # Errors
    /// Where it can't be read, is something else, or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            PolicyError::whole(&name, format!("can't be read: {error}"), "name a policy file you may read")
        };
        let about = std::fs::metadata(path).map_err(unreadable)?;
        if !about.is_file() || about.len() > FILE_BYTES {
            return Err(PolicyError::whole(
                &name,
                format!("is not a regular file of at most {FILE_BYTES} bytes"),
                "name a policy file",
            ));
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        Ok(Self::new(&name, Some(path.to_owned()), text(&name, bytes)?))
    }

    /// Line and column, from 1, of a byte offset.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        let column = self.text.get(start..offset).map_or(offset - start, |before| before.chars().count());
        (line, column + 1)
    }

    /// An error at a place in this text.
    #[must_use]
    pub fn error(
        &self,
        span: Range<usize>,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> PolicyError {
        let (line, column) = self.position(span.start);
        let (problem, help) = (problem.into(), help.into());
        PolicyError { file: self.name.clone(), line, column, problem, help }
    }

    /// The elements of a list.
    ///
    /// # Errors
    /// Where the list is empty: it would match nothing.
    pub fn non_empty<'l, T>(&self, list: &'l Spanned<Vec<T>>, key: &str) -> Result<&'l [T], PolicyError> {
        if list.get_ref().is_empty() {
            let problem = format!("`{key}` is an empty list, which would match nothing");
            return Err(self.error(list.span(), problem, "name something, or remove the key or the rule"));
        }
        Ok(list.get_ref())
    }

    /// A problem found by another module at a place in this text.
    #[must_use]
    pub fn problem(&self, span: Range<usize>, problem: &impl Help) -> PolicyError {
        self.error(span, problem.to_string(), problem.help())
    }
}

/// The text of a policy file: UTF-8, as TOML is. `name` is for errors.
///
/// # Errors
/// Where it is not UTF-8.
pub fn text(name: &str, bytes: Vec<u8>) -> Result<String, PolicyError> {
    String::from_utf8(bytes).map_err(|error| {
        let sound = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        let bad = bytes.get(sound).copied().unwrap_or_default();
        let before = String::from_utf8_lossy(bytes.get(..sound).unwrap_or_default()).into_owned();
        Source::new(name, None, before).error(
            sound..sound,
            format!("the byte 0x{bad:02X} here is not UTF-8"),
            "save the file as UTF-8 (`iconv -f ISO-8859-1 -t UTF-8` where it is in Latin-1), or write the character as \"\\u00E9\"",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_lines_and_columns() {
        let source = Source::new("x", None, "ab\nçd\n".to_owned());
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(2), (1, 3));
        assert_eq!(source.position(3), (2, 1));
        assert_eq!(source.position(5), (2, 2));
        assert_eq!(source.position(7), (3, 1));
        assert_eq!(source.position(99), (3, 1));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_named_by_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latin.toml");
        std::fs::write(&path, b"version = 1\nname = \"\xc3\xa9t\xe9\"\n\xff").unwrap();
        let error = Source::read(&path).expect_err("not UTF-8");
        assert_eq!((error.line, error.column), (2, 11), "{error}");
        assert!(error.problem.contains("0xE9") && error.help.contains("as UTF-8"), "{error}");
        // Cut in the middle of a character.
        let error = text("x", b"a\n\xc3".to_vec()).expect_err("not UTF-8");
        assert_eq!((error.line, error.column), (2, 1), "{error}");
    }

    #[test]
    fn a_directory_is_no_policy() {
        let error = Source::read(Path::new("/")).expect_err("a directory");
        assert!(error.problem.contains("regular file"), "{error}");
    }
}
