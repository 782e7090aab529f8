//! The bound on a stored record: long texts and long lists of texts are cut, and the record says by how much.

/// Bytes of a stored record, at most. Exports carry records whole, and what receives them has limits of its own.
pub const RECORD_BYTES: usize = 64 << 10;

/// Bounds of a text in bytes and of a list in values, tried one after the other.
const BOUNDS: [(usize, usize); 3] = [(4096, 512), (1024, 64), (256, 16)];

/// Cuts a record, which is one JSON value as [`serde_json`] writes it, until it has at most [`RECORD_BYTES`].
///
/// Only texts and lists of texts are cut: all else in a record is of a bounded size. Returns whether it fits.
pub fn cut(record: &mut Vec<u8>, start: usize) -> bool {
    for (text, list) in BOUNDS {
        let Some(whole) = record.get(start..) else { return true };
        if whole.len() <= RECORD_BYTES {
            return true;
        }
        let mut cutter = Cutter { rest: whole, out: Vec::with_capacity(RECORD_BYTES), text, list };
        cutter.value();
        let shorter = cutter.out;
        record.truncate(start);
        record.extend(shorter);
    }
    record.len().saturating_sub(start) <= RECORD_BYTES
}

struct Cutter<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
    text: usize,
    list: usize,
}

impl Cutter<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Copies one value. Its nesting is that of our own types, so that the recursion is bounded.
    fn value(&mut self) {
        match self.peek() {
            Some(b'"') => self.text_value(),
            Some(b'[') if self.rest.get(1) == Some(&b'"') => self.texts(),
            Some(open @ (b'{' | b'[')) => {
                let close = if open == b'{' { b'}' } else { b']' };
                self.copy();
                while let Some(next) = self.peek() {
                    if next == close {
                        return self.copy();
                    }
                    if matches!(next, b',' | b':') { self.copy() } else { self.value() }
                }
            }
            Some(_) => {
                while self.peek().is_some_and(|byte| !matches!(byte, b',' | b':' | b'}' | b']')) {
                    self.copy();
                }
            }
            None => {}
        }
    }

    fn copy(&mut self) {
        let byte = self.take();
        self.out.extend(byte);
    }

    /// A text, and after its beginning how many bytes are missing.
    fn text_value(&mut self) {
        self.copy();
        let (begin, mut missing) = (self.out.len(), 0_usize);
        while let Some(byte) = self.take() {
            if byte == b'"' {
                break;
            }
            // An escape is one piece: `\n`, or `\u` and four digits; so is a character of several bytes.
            let more = match byte {
                b'\\' if self.peek() == Some(b'u') => 5,
                b'\\' | 0xc0..=0xdf => 1,
                0xe0..=0xef => 2,
                0xf0..=0xff => 3,
                _ => 0,
            };
            let (piece, rest) = self.rest.split_at(more.min(self.rest.len()));
            self.rest = rest;
            let length = piece.len().saturating_add(1);
            let kept = self.out.len().saturating_sub(begin);
            if missing == 0 && kept.saturating_add(length) <= self.text {
                self.out.push(byte);
                self.out.extend_from_slice(piece);
            } else {
                missing = missing.saturating_add(length);
            }
        }
        if missing > 0 {
            self.out.extend_from_slice(format!("… ({missing} bytes cut)").as_bytes());
        }
        self.out.push(b'"');
    }

    /// A list of texts, and after its first ones how many are missing.
    fn texts(&mut self) {
        self.copy();
        let (mut count, mut end) = (0_usize, self.out.len());
        while let Some(next) = self.peek() {
            match next {
                b']' => break,
                b',' => self.copy(),
                _ => {
                    self.value();
                    count = count.saturating_add(1);
                    if count <= self.list {
                        end = self.out.len();
                    } else {
                        self.out.truncate(end);
                    }
                }
            }
        }
        self.out.truncate(end);
        if let Some(missing) = count.checked_sub(self.list).filter(|missing| *missing > 0) {
            self.out.extend_from_slice(format!(r#","… ({missing} texts cut)""#).as_bytes());
        }
        self.copy();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn cut_of(value: &Value) -> Value {
        let mut bytes = b"before".to_vec();
        bytes.extend(serde_json::to_vec(value).unwrap());
        assert!(cut(&mut bytes, 6), "{} bytes", bytes.len());
        assert!(bytes.starts_with(b"before") && bytes.len() - 6 <= RECORD_BYTES);
        serde_json::from_slice(&bytes[6..]).unwrap()
    }

    #[test]
    fn a_text_of_megabytes_keeps_its_beginning_and_says_what_is_missing() {
        let (name, small) = ("é\n\u{1}".repeat(1 << 20), "kept \" \\ ü");
        let record = cut_of(&json!({"small": small, "name": name, "list": [1, 2], "none": null}));
        assert_eq!((&record["small"], &record["list"]), (&json!(small), &json!([1, 2])));
        let text = record["name"].as_str().unwrap();
        assert!(
            text.starts_with("é\n\u{1}é") && text.ends_with(" bytes cut)"),
            "{}",
            &text[text.len() - 40..]
        );
    }

    #[test]
    fn a_list_of_a_hundred_thousand_words_keeps_the_first() {
        let words: Vec<String> = (0..100_000).map(|number| number.to_string()).collect();
        let record = cut_of(&json!({"args": words, "after": true}));
        let args = record["args"].as_array().unwrap();
        assert_eq!((args.len(), &args[511], &args[512]), (513, &json!("511"), &json!("… (99488 texts cut)")));
        assert_eq!(record["after"], true);
    }

    #[test]
    fn what_fits_is_untouched() {
        let value = json!({"text": "x".repeat(50_000)});
        assert_eq!(cut_of(&value), value);
    }

    proptest! {
        #[test]
        fn a_cut_record_can_be_read(texts in prop::collection::vec(".{0,40}", 0..40), times in 1_usize..4000) {
            let long: Vec<String> = texts.iter().map(|text| text.repeat(times)).collect();
            cut_of(&json!({"list": long, "map": {"one": long.first(), "two": {"three": long.last()}}}));
        }
    }
}
