//! A filter of recorded terminals, which may only draw on the terminal that they are played on. Whoever wrote then was
//! governed, and must not write into the auditor's clipboard, change titles, switch the mouse on, or ask for what the terminal answers by
//! typing. Only what is known to draw is let through, and it is written anew: no two parsers can read it differently.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use vte::{Params, Parser, Perform};

/// Lets through what draws. Keeps what is unfinished for the next piece.
#[derive(Default)]
pub struct Sieve {
    parser: Parser,
    screen: Screen,
}

/// Modes of DEC's that concern only what is seen: reverse video, origin, wrapping, blinking, the cursor, the alternate
/// screen in its four forms, synchronized drawing.
const MODES: [u16; 10] = [5, 6, 7, 12, 25, 47, 1047, 1048, 1049, 2026];
/// Those of them that are set before anything is.
const SET: [u16; 2] = [7, 25];
/// The mode that inserts what is written.
const INSERT: u16 = 4;
/// Erasing what was scrolled away: it is the auditor's own.
const SCROLLED_AWAY: u16 = 3;

#[derive(Default)]
struct Screen {
    drawn: String,
    /// Modes that are not as they were at the start.
    changed: BTreeSet<u16>,
    inserting: bool,
    margins: bool,
}

impl std::fmt::Debug for Sieve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sieve").finish_non_exhaustive()
    }
}

impl Sieve {
    /// Returns the part of this piece that draws.
    pub fn draw(&mut self, piece: &str) -> String {
        self.parser.advance(&mut self.screen, piece.as_bytes());
        std::mem::take(&mut self.screen.drawn)
    }

    /// Returns the sequences that restore the terminal, as far as it was changed.
    #[must_use]
    pub fn restore(&self) -> String {
        let mut sequences = String::from("\u{1b}[m\u{1b}(B\u{f}");
        if self.screen.margins {
            sequences.push_str("\u{1b}7\u{1b}[r\u{1b}8");
        }
        if self.screen.inserting {
            sequences.push_str("\u{1b}[4l");
        }
        for mode in &self.screen.changed {
            let back = if SET.contains(mode) { 'h' } else { 'l' };
            // Writing to a String can't fail.
            let _ = write!(sequences, "\u{1b}[?{mode}{back}");
        }
        sequences
    }
}

impl Perform for Screen {
    fn print(&mut self, c: char) {
        if !c.is_control() {
            self.drawn.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        // Backspace, tab, line feeds, carriage return, and the other set of characters on and off.
        if matches!(byte, 0x08..=0x0f) {
            self.drawn.push(byte.into());
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        let first = params.iter().next().and_then(|one| one.first()).copied().unwrap_or(0);
        let draws = match (intermediates, action) {
            ([], 'h' | 'l') => params.len() == 1 && first == INSERT,
            (b"?", 'h' | 'l') => params.iter().all(|one| matches!(one, [mode] if MODES.contains(mode))),
            ([], 'J') => first != SCROLLED_AWAY,
            // With more it would follow the mouse.
            ([], 'T') => params.len() <= 1,
            ([], 's' | 'u') => params.len() <= 1 && first == 0,
            (
                [],
                'A'..='I' | 'K'..='M' | 'P' | 'S' | 'X' | 'Z' | '@' | '`' | 'a' | 'b' | 'd'..='g' | 'm' | 'r',
            )
            | (b"?", 'K')
            | (b" ", 'q') => true,
            _ => false,
        };
        if !draws || ignore {
            return;
        }
        self.keep(params, intermediates, action);
        self.drawn.push_str("\u{1b}[");
        // What stands before the numbers, and what stands after them.
        let (before, after) =
            if intermediates == b"?" { ("?", "") } else { ("", if action == 'q' { " " } else { "" }) };
        self.drawn.push_str(before);
        if params.iter().any(|one| one != [0]) {
            for (number, one) in params.iter().enumerate() {
                if number > 0 {
                    self.drawn.push(';');
                }
                let parts: Vec<String> = one.iter().map(u16::to_string).collect();
                self.drawn.push_str(&parts.join(":"));
            }
        }
        self.drawn.push_str(after);
        self.drawn.push(action);
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], ignore: bool, byte: u8) {
        let draws = match intermediates {
            // The cursor kept and put back, lines down and up, a tab stop.
            [] => matches!(byte, b'7' | b'8' | b'D' | b'E' | b'H' | b'M'),
            // The characters that are drawn: Latin, lines, British.
            [b'(' | b')'] => matches!(byte, b'0' | b'A' | b'B'),
            _ => false,
        };
        if draws && !ignore {
            self.drawn.push('\u{1b}');
            self.drawn.extend(intermediates.iter().copied().map(char::from));
            self.drawn.push(byte.into());
        }
    }
}

impl Screen {
    /// Remembers the modes that are to be restored.
    fn keep(&mut self, params: &Params, intermediates: &[u8], action: char) {
        match (intermediates, action) {
            ([], 'r') => self.margins = params.iter().any(|one| one != [0]),
            ([], 'h' | 'l') => self.inserting = action == 'h',
            (_, 'h' | 'l') => {
                for mode in params.iter().flatten() {
                    if SET.contains(mode) == (action == 'h') {
                        self.changed.remove(mode);
                    } else {
                        self.changed.insert(*mode);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Leaves only the text. Keeps what is unfinished for the next piece.
#[derive(Default)]
pub struct Plain {
    parser: Parser,
    text: Text,
}

#[derive(Default)]
struct Text(String);

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plain").finish_non_exhaustive()
    }
}

impl Plain {
    /// The text of this piece, without what moves cursors and changes colours.
    pub fn text(&mut self, piece: &str) -> String {
        self.parser.advance(&mut self.text, piece.as_bytes());
        std::mem::take(&mut self.text.0)
    }
}

impl Perform for Text {
    fn print(&mut self, c: char) {
        if !c.is_control() {
            self.0.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        if matches!(byte, b'\n' | b'\t') {
            self.0.push(byte.into());
        }
    }
}

#[cfg(test)]
mod tests;
