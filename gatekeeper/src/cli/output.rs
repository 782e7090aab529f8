//! Words for people: colours, columns, and nothing that moves the cursor.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use gatekeeper_common::verdict::Verdict;
use serde::Serialize;

use gatekeeper_record::safe_text;
pub use gatekeeper_record::safe_text::{visible as escaped, visible_lines as escaped_lines};

/// Something good.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Something to look at.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// Something bad.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something beside the point.
pub const DIM: Style = Style::new().dimmed();
/// A heading.
pub const HEAD: Style = Style::new().bold();

/// Standard output, which drops colours where they are not wanted (no terminal, `NO_COLOR`).
#[must_use]
pub fn out() -> impl Write {
    anstream::AutoStream::auto(io::stdout()).lock()
}

/// Prints an error, with its help where it has one.
pub fn complain(error: &anyhow::Error) {
    let text = escaped_lines(&chain(error));
    anstream::eprintln!("{BAD}gatekeeper:{BAD:#} {text}");
}

/// An error with its causes. Ours name their causes themselves; others' do not.
fn chain(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

/// Whether the reader hung up, as `head` does.
#[must_use]
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints one object as one line of JSON.
///
/// # Errors
/// Where the object has no JSON form, or the output fails.
pub fn json(out: &mut impl Write, object: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(object)?;
    line.push(b'\n');
    out.write_all(&line)?;
    Ok(out.flush()?)
}

/// The colour of a verdict.
#[must_use]
pub fn colour(verdict: Verdict, passed: bool) -> Style {
    match (verdict, passed) {
        (_, false) => BAD,
        (Verdict::Allow, true) => GOOD,
        (_, true) => WARN,
    }
}

/// Rows under a heading, each column as wide as its widest cell.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<(String, Style)>>,
}

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Self {
        let mut table = Self::default();
        table.row(headings.iter().map(|heading| ((*heading).to_owned(), HEAD)));
        table
    }

    /// Adds a row; its text is escaped here.
    pub fn row<T: Display>(&mut self, cells: impl IntoIterator<Item = (T, Style)>) {
        self.rows.push(cells.into_iter().map(|(text, style)| (escaped(&text.to_string()), style)).collect());
    }

    /// Prints it.
    ///
    /// # Errors
    /// Where the output fails.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|(text, _)| safe_text::columns(text)).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((text, style), width) in row.iter().zip(&widths) {
                let gap = width - safe_text::columns(text) + 2;
                // Writing to a String can't fail.
                let _ = write!(line, "{style}{text}{style:#}{:gap$}", "");
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(escaped("/tmp/ä\u{1b}[2Jx\ny"), "/tmp/ä\\u{1b}[2Jx\\u{a}y");
        assert_eq!(escaped("a\u{202e}b\u{9b}c"), "a\\u{202e}b\\u{9b}c");
        assert_eq!(escaped_lines("a\nb\r"), "a\nb\\u{d}");
    }

    #[test]
    fn no_cause_is_printed_twice() {
        let inner = || io::Error::other("it broke");
        assert_eq!(chain(&anyhow::Error::from(inner()).context("opening x")), "opening x: it broke");
        assert_eq!(chain(&anyhow::Error::from(inner()).context("x: it broke")), "x: it broke");
    }

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["a", "bb"]);
        table.row([("long", DIM), ("x", DIM)]);
        let mut bytes = Vec::new();
        table.print(&mut anstream::StripStream::new(&mut bytes)).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "a     bb\nlong  x\n");
    }
}
