//! The state in which the session left the terminal, so that a question finds it plain and leaves it as it was.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZeroU16;

use vt100::{Callbacks, Parser};

/// Modes that a question must not find: keys and answers in other forms, the mouse, pasted text in brackets, blinking
/// and turned screens, lines that don't wrap where they should (xterm's ctlseqs, "DEC Private Mode Set").
const MODES: [u16; 18] =
    [1, 5, 6, 9, 45, 66, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004, 2026, 2048];
/// Modes that are remembered, at most.
const REMEMBERED: usize = 64;
/// The same for keyboards within keyboards.
const KEYBOARDS: usize = 16;

/// Terminal state that the parser does not keep.
#[derive(Debug, Default)]
struct Extras {
    modes: BTreeSet<u16>,
    /// Flags pushed by the kitty keyboard protocol.
    keyboards: Vec<u16>,
}

impl Callbacks for Extras {
    fn unhandled_csi(
        &mut self,
        _: &mut vt100::Screen,
        first: Option<u8>,
        _second: Option<u8>,
        numbers: &[&[u16]],
        end: char,
    ) {
        let mut all = numbers.iter().filter_map(|number| number.first().copied());
        match (first, end) {
            (Some(b'?'), 'h') if self.modes.len() < REMEMBERED => self.modes.extend(all),
            (Some(b'?'), 'l') => {
                let gone: Vec<u16> = all.collect();
                self.modes.retain(|mode| !gone.contains(mode));
            }
            (Some(b'>'), 'u') if self.keyboards.len() < KEYBOARDS => {
                self.keyboards.push(all.next().unwrap_or(0));
            }
            (Some(b'<'), 'u') => {
                let count = usize::from(all.next().unwrap_or(1).max(1));
                self.keyboards.truncate(self.keyboards.len().saturating_sub(count));
            }
            _ => {}
        }
    }
}

/// The terminal.
pub struct Screen {
    parser: Parser<Extras>,
    size: (u16, u16),
}

fn at_least_one(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN)
}

impl Screen {
    /// A terminal with so many columns and rows, as it is in the beginning.
    #[must_use]
    pub fn new(size: (u16, u16)) -> Self {
        let (columns, rows) = (at_least_one(size.0), at_least_one(size.1));
        Self { parser: Parser::new_with_callbacks(rows, columns, 0, Extras::default()), size }
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        self.size
    }

    /// Takes in another size.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.parser.set_size(at_least_one(size.1), at_least_one(size.0));
    }

    /// The session has shown this.
    pub fn show(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
    }

    /// Makes a plain, empty screen of it and rings the bell.
    #[must_use]
    pub fn reset(&self) -> Vec<u8> {
        // Ends whatever sequence or string the session has begun.
        let mut text = String::from("\x18\x1b\\");
        if !self.parser.screen().alternate_screen() {
            // The terminal itself keeps what stands there, and where the cursor is.
            text += "\x1b[?1049h";
        }
        let extras = self.parser.callbacks();
        for mode in MODES.iter().chain(&extras.modes) {
            // Writing to a String can't fail.
            let _ = write!(text, "\x1b[?{mode}l");
        }
        if !extras.keyboards.is_empty() {
            text += "\x1b[=0;1u";
        }
        // Plain letters in both sets; keypad of numbers; no margins; no insertion; lines wrap; a cursor.
        text += "\x1b(B\x1b)B\x0f\x1b>\x1b[r\x1b[0m\x1b[4l\x1b[?7h\x1b[?25h\x1b[2J\x1b[H\x07";
        text.into_bytes()
    }

    /// Puts back what [`Screen::reset`] took away.
    #[must_use]
    pub fn restore(&self) -> Vec<u8> {
        let (screen, extras) = (self.parser.screen(), self.parser.callbacks());
        let mut text = String::from("\x1b[0m\x1b[2J\x1b[H");
        if screen.alternate_screen() {
            text += &screen.contents_formatted();
        } else {
            text += "\x1b[?1049l";
            text += &screen.attributes_formatted();
            text += if screen.hide_cursor() { "\x1b[?25l" } else { "\x1b[?25h" };
        }
        text += &screen.input_mode_formatted();
        for mode in &extras.modes {
            // Writing to a String can't fail.
            let _ = write!(text, "\x1b[?{mode}h");
        }
        if let Some(keyboard) = extras.keyboards.last() {
            let _ = write!(text, "\x1b[={keyboard};1u");
        }
        text.into_bytes()
    }
}
