//! The layout of the screen, and the lines of a hold's question: a person who decides must have seen them all.

use ratatui::layout::Rect;

use super::state::{State, Waiting};
use crate::hold::text::{self, Line};
use gatekeeper_record::held::Held;
use gatekeeper_record::safe_text;

/// From so many columns and rows on, list and hold stand side by side.
const WIDE: (u16, u16) = (90, 16);
/// Rows at the bottom.
const FOOT: u16 = 3;
/// Columns for the names of lines, where there is room.
const NAMES: u16 = 11;
/// Recent events of the task shown, at most.
const LATELY: usize = 12;

/// The parts of the screen.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The first line.
    pub head: Rect,
    /// Open holds.
    pub list: Rect,
    /// All of one hold.
    pub detail: Rect,
    /// Notes, questions and keys.
    pub foot: Rect,
}

impl Layout {
    /// Rows of the hold that are seen at once.
    #[must_use]
    pub fn detail_rows(&self) -> usize {
        usize::from(self.detail.height)
    }
}

/// The parts of a screen of this size.
#[must_use]
pub fn of((columns, rows): (u16, u16)) -> Layout {
    let top = rows.min(1);
    let head = Rect::new(0, 0, columns, top);
    let foot_rows = FOOT.min(rows - top);
    let foot = Rect::new(0, rows - foot_rows, columns, foot_rows);
    let middle = rows - top - foot_rows;
    if columns >= WIDE.0 && rows >= WIDE.1 {
        let left = columns * 2 / 5;
        let list = Rect::new(0, top, left, middle);
        return Layout { head, list, detail: Rect::new(left + 1, top, columns - left - 1, middle), foot };
    }
    let above = (middle / 3).max(1).min(middle);
    let list = Rect::new(0, top, columns, above);
    Layout { head, list, detail: Rect::new(0, top + above, columns, middle - above), foot }
}

/// A line of a hold as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Name of the entry, as wide as it is drawn.
    pub name: String,
    /// Text of the entry.
    pub text: String,
    /// Whether it belongs to what is decided.
    pub asked: bool,
}

/// All of a hold, and what its task did lately.
#[must_use]
pub fn detail(state: &State, waiting: &Waiting) -> Vec<Row> {
    let width = of(state.size).detail.width;
    let mut rows = asked(&waiting.held, state.left(waiting), width);
    let mut lately: Vec<Line> = state
        .lately(&waiting.held)
        .rev()
        .take(LATELY)
        .map(|event| {
            let (verdict, operation) = (event.verdict.name(), event.operation.name());
            let object = safe_text::cut(&event.object.brief(), 120);
            Line { name: "", text: format!("{} {verdict} {operation} {object}", event.time.clock()) }
        })
        .collect();
    lately.reverse();
    if lately.is_empty() {
        lately.push(Line { name: "", text: "nothing that is recorded".to_owned() });
    }
    if let Some(first) = lately.first_mut() {
        first.name = "last 60 s";
    }
    rows.extend(lately.iter().flat_map(|line| broken(line, width, false)));
    rows
}

/// Returns a hold's question in lines of this width, in columns.
#[must_use]
pub fn asked(held: &Held, left: u64, width: u16) -> Vec<Row> {
    text::lines(held, left).iter().flat_map(|line| broken(line, width, true)).collect()
}

fn broken(line: &Line, width: u16, asked: bool) -> Vec<Row> {
    let names = if width >= 60 { NAMES } else { 0 };
    let room = usize::from(width.saturating_sub(names)).max(2);
    // Where there is no room beside it, the name stands before the text.
    let text = match (names, line.name) {
        (0, "") => format!("  {}", line.text),
        (0, name) => format!("{name}: {}", line.text),
        _ => line.text.clone(),
    };
    let names = usize::from(names);
    let mut rows: Vec<Row> = Vec::new();
    for part in safe_text::parts(&text, room) {
        let name = if rows.is_empty() && names > 0 { line.name } else { "" };
        let name = if names > 0 { format!("{name:>width$} ", width = names - 1) } else { String::new() };
        rows.push(Row { name, text: part, asked });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_fill_the_screen_and_no_more() {
        for columns in 0..200 {
            for rows in 0..60 {
                let all = of((columns, rows));
                for part in [all.head, all.list, all.detail, all.foot] {
                    assert!(part.right() <= columns && part.bottom() <= rows, "{columns}x{rows}: {part:?}");
                }
            }
        }
    }
}
