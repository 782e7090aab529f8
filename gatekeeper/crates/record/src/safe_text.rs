//! Text that somebody else chose, made fit to be shown: nothing in it moves the cursor, hides, passes for a blank or
//! for its neighbour, or turns the direction of writing.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// As many of one blank or of one hidden character in a row are counted instead of shown.
const RUN: usize = 4;

/// Blocks written from right to left (DerivedBidiClass.txt, the defaults of classes R and AL): between such letters
/// blanks, slashes and digits change places on terminals that turn them.
const RIGHT_TO_LEFT: [RangeInclusive<char>; 5] = [
    '\u{590}'..='\u{8ff}',
    '\u{fb1d}'..='\u{fdff}',
    '\u{fe70}'..='\u{feff}',
    '\u{10800}'..='\u{10fff}',
    '\u{1e800}'..='\u{1efff}',
];

/// One line of text with everything spelled out that is not a letter, number, sign or plain blank with a place of its
/// own on the screen.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut before = None;
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if is_plain(c, before) {
            shown.push(c);
            before = Some(c);
        } else {
            // Writing to a String can't fail.
            let _ = write!(shown, "{}", c.escape_unicode());
            before = None;
        }
        shown
    })
}

/// The same, keeping line breaks.
#[must_use]
pub fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// The same for what a person decides about: different texts are shown differently, blanks that could hide something
/// are counted, and letters from right to left are spelled out.
#[must_use]
pub fn exact(text: &str) -> String {
    pieces(text).into_iter().map(|piece| piece.text).collect()
}

/// The same in at most so many columns (but at least 32): of a longer text the beginning, how many characters are left
/// out, and the end.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    fit(&pieces(text), columns)
}

/// Several words in a line, each distinct from its neighbours, in at most so many columns.
#[must_use]
pub fn words(words: &[String], columns: usize) -> String {
    let mut line = Vec::new();
    for (number, word) in words.iter().enumerate() {
        if number > 0 {
            line.push(Piece::of(" ", 1));
        }
        let quoted = word.is_empty() || word.contains([' ', '"']);
        if quoted {
            line.push(Piece::of("\"", 0));
        }
        let inner = pieces(word).into_iter();
        line.extend(
            inner.map(|piece| if quoted && piece.text == "\"" { Piece::of("\\u{22}", 1) } else { piece }),
        );
        if quoted {
            line.push(Piece::of("\"", 0));
        }
    }
    fit(&line, columns)
}

fn fit(pieces: &[Piece], columns: usize) -> String {
    let text = |pieces: &[Piece]| pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
    let all: usize = pieces.iter().map(|piece| piece.columns).sum();
    let columns = columns.max(32);
    if all <= columns {
        return text(pieces);
    }
    // What is left are the words for what is left out, with a number of up to seven digits.
    let room = columns - r"\{1234567 left out}".len();
    let head = fitting(pieces.iter(), room * 3 / 5);
    let tail = fitting(pieces.iter().rev(), room * 2 / 5);
    let (head, rest) = pieces.split_at(head);
    let (middle, tail) = rest.split_at(rest.len() - tail);
    let left_out: usize = middle.iter().map(|piece| piece.characters).sum();
    format!("{}\\{{{left_out} left out}}{}", text(head), text(tail))
}

/// Returns how many of them find room.
fn fitting<'a>(pieces: impl Iterator<Item = &'a Piece>, room: usize) -> usize {
    let mut used = 0;
    let fits = |piece: &&Piece| {
        used += piece.columns;
        used <= room
    };
    pieces.take_while(fits).count()
}

/// Columns that a shown text takes.
#[must_use]
pub fn columns(shown: &str) -> usize {
    shown.width()
}

/// A text in parts of at most so many columns.
#[must_use]
pub fn parts(text: &str, room: usize) -> Vec<String> {
    let (mut parts, mut part, mut used) = (Vec::new(), String::new(), 0);
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if used + width > room && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            used = 0;
        }
        part.push(c);
        used += width;
    }
    parts.push(part);
    parts
}

/// The shown form of one character, or of a run of the same.
struct Piece {
    text: String,
    columns: usize,
    characters: usize,
}

impl Piece {
    fn of(text: &str, characters: usize) -> Self {
        Self { text: text.to_owned(), columns: text.width(), characters }
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut before = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let run = rest.chars().take_while(|other| *other == c).count();
        let at_edge = rest.len() == text.len() || rest.len() == run * c.len_utf8();
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        let plain = is_plain(c, before) && !RIGHT_TO_LEFT.iter().any(|range| range.contains(&c));
        // What we write ourselves begins with a backslash and a brace, perhaps with a `u` between.
        let ours = c == '\\' && (after.starts_with('{') || after.starts_with("u{"));
        let hidden = !plain || ours || (c == ' ' && at_edge);
        let counted = run >= RUN && (hidden || c == ' ');
        let characters = if counted { run } else { 1 };
        let text = match (counted, hidden) {
            (true, _) if c == ' ' => format!("\\{{{run} blanks}}"),
            (true, _) => format!("\\{{{run} times U+{:04X}}}", u32::from(c)),
            (false, true) => c.escape_unicode().to_string(),
            (false, false) => c.to_string(),
        };
        before = (!counted && !hidden).then_some(c);
        pieces.push(Piece { columns: text.width(), text, characters });
        rest = rest.get(characters * c.len_utf8()..).unwrap_or_default();
    }
    pieces
}

/// Whether a character is seen, and takes as much room after `before` as it does alone.
fn is_plain(c: char, before: Option<char>) -> bool {
    use GeneralCategory as G;
    if matches!(c, ' '..='~') {
        return true;
    }
    let drawn = matches!(
        get_general_category(c),
        G::UppercaseLetter
            | G::LowercaseLetter
            | G::TitlecaseLetter
            | G::ModifierLetter
            | G::OtherLetter
            | G::DecimalNumber
            | G::LetterNumber
            | G::OtherNumber
            | G::ConnectorPunctuation
            | G::DashPunctuation
            | G::OpenPunctuation
            | G::ClosePunctuation
            | G::InitialPunctuation
            | G::FinalPunctuation
            | G::OtherPunctuation
            | G::MathSymbol
            | G::CurrencySymbol
            | G::ModifierSymbol
            | G::OtherSymbol
    );
    // Letters and signs that are drawn as nothing: Hangul fillers, the empty Braille pattern.
    let blank = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}');
    let width = c.width().unwrap_or(0);
    if !drawn || blank || width == 0 {
        return false;
    }
    before.is_none_or(|before| {
        let pair = String::from_iter([before, c]);
        pair.width() == before.width().unwrap_or(0) + width
    })
}

#[cfg(test)]
mod tests;
