//! The files that a patch in Codex's form changes.

/// First line of such a patch.
const BEGIN: &str = "*** Begin Patch";

/// Effect of a patch on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file is written.
    Write,
    /// The file is removed.
    Delete,
}

/// Whether this is a patch.
pub fn is_patch(text: &str) -> bool {
    text.trim_start().starts_with(BEGIN)
}

/// The files it changes.
pub fn files(text: &str) -> impl Iterator<Item = (Change, &str)> {
    text.lines().filter_map(|line| {
        let rest = line.strip_prefix("*** ")?;
        let (header, path) = rest.split_once(": ")?;
        let change = match header {
            "Add File" | "Update File" | "Move to" => Change::Write,
            "Delete File" => Change::Delete,
            _ => return None,
        };
        Some((change, path.trim()))
    })
}
