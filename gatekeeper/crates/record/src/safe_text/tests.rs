use proptest::prelude::*;

use super::*;

/// Texts that could deceive a person.
const HOSTILE: [&str; 16] = [
    "\u{1b}[2J\u{1b}[1;1Happroved",
    "\u{9b}31m",
    "a\r\nb\tc\u{8}\u{7f}",
    "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}",
    "\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}",
    "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}\u{34f}",
    "\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{200a}\u{202f}\u{205f}\u{3000}",
    "\u{e0001}\u{e0041}\u{e007f}",
    "x\u{fe0f}y\u{fe0e}z\u{e0100}",
    "\u{180e}\u{3164}\u{115f}\u{1160}\u{ffa0}\u{2800}",
    "e\u{301}\u{301}\u{301}\u{20dd}",
    "\u{2028}\u{2029}\u{85}",
    "\u{5d0}/1 2/\u{5d1}",
    "\u{1f44d}\u{1f3fd}",
    "\u{d7b0}\u{ffff}\u{fdd0}\u{10ffff}\u{e000}",
    "\u{17b4}\u{17b5}\u{206a}\u{fff9}\u{1d173}\u{13430}",
];

#[test]
fn what_is_plain_stays() {
    for text in
        ["git push origin HEAD:main", "/srv/Bücher/日本語.txt", "naïve – “quoted” € 😀", "C:\\users\\{a,b}"]
    {
        assert_eq!(visible(text), text);
    }
    assert_eq!(exact("/srv/Bücher/日本語.txt"), "/srv/Bücher/日本語.txt");
}

#[test]
fn what_hides_is_spelled_out() {
    for hostile in HOSTILE {
        let shown = exact(hostile);
        assert!(shown.contains("\\u{"), "{shown}");
        assert!(shown.chars().all(|c| c.width().is_some_and(|width| width > 0)), "{shown}");
    }
    assert_eq!(exact("a\u{202e}b"), "a\\u{202e}b");
    assert_eq!(exact("\u{5d0}"), "\\u{5d0}");
    assert_eq!(visible("\u{5d0}"), "\u{5d0}");
}

#[test]
fn padding_is_counted() {
    assert_eq!(exact(&format!("rm{}/", " ".repeat(400))), "rm\\{400 blanks}/");
    assert_eq!(exact(&format!("a{}b", "\u{a0}".repeat(9))), "a\\{9 times U+00A0}b");
    assert_eq!(exact(" a b "), "\\u{20}a b\\u{20}");
    assert_eq!(exact("a   b"), "a   b");
}

#[test]
fn a_long_text_shows_its_end() {
    let long = format!("/tmp/{}/harmless", "x".repeat(5000));
    let shown = cut(&long, 80);
    assert!(shown.starts_with("/tmp/xxx") && shown.ends_with("/harmless"), "{shown}");
    assert!(shown.contains(" left out}") && columns(&shown) <= 80, "{shown}");
    let left_out: usize = shown.split_once("\\{").unwrap().1.split_once(' ').unwrap().0.parse().unwrap();
    assert_eq!(left_out + shown.len() - format!("\\{{{left_out} left out}}").len(), long.len());
    assert_eq!(cut("short", 80), "short");
}

#[test]
fn words_are_distinct() {
    let shown = |list: &[&str]| words(&list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), 200);
    assert_eq!(shown(&["rm", "-rf", "/"]), "rm -rf /");
    assert_eq!(shown(&["rm", "-rf /", ""]), "rm \"-rf /\" \"\"");
    assert_ne!(shown(&["a\" \"b"]), shown(&["a", "b"]));
}

#[test]
fn no_character_is_shown_without_a_place() {
    // All that are assigned, and some of those that are not.
    let assigned = ('\0'..'\u{32000}').chain('\u{e0000}'..'\u{e2000}');
    for c in assigned.chain(('\u{32000}'..=char::MAX).step_by(997)) {
        for shown in [visible(&format!("a{c}b")), exact(&format!("a{c}b"))] {
            assert!(is_sound(&shown), "{:x}: {shown:?}", u32::from(c));
        }
    }
}

fn is_sound(shown: &str) -> bool {
    let each: Option<usize> = shown.chars().map(|c| c.width().filter(|width| *width > 0)).sum();
    let seen = shown.chars().all(|c| c == ' ' || !(c.is_whitespace() || c.is_control()));
    seen && each == Some(shown.width())
}

/// Text with more of what is hostile than chance would bring.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        prop::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
        (any::<char>(), 1..20usize).prop_map(|(c, count)| c.to_string().repeat(count)),
        "[ \\\\{}u0-9a×]{0,12}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_is_shown_without_a_place(text in text(), room in 0..200usize) {
        for shown in [exact(&text), cut(&text, room), words(std::slice::from_ref(&text), 500)] {
            prop_assert!(is_sound(&shown), "{shown:?}");
            prop_assert!(!RIGHT_TO_LEFT.iter().any(|range| shown.contains(|c| range.contains(&c))));
        }
        prop_assert!(columns(&cut(&text, room)) <= room.max(32));
        let again = visible(&exact(&text));
        prop_assert_eq!(again, exact(&text));
    }

    #[test]
    fn different_texts_are_shown_differently(a in text(), b in text()) {
        prop_assert_eq!(a == b, exact(&a) == exact(&b));
    }
}

#[test]
fn nothing_is_lost_between_lines() {
    assert_eq!(parts("abcdef", 4), ["abcd", "ef"]);
    assert_eq!(parts("日本語", 4), ["日本", "語"]);
    assert_eq!(parts("", 4), [""]);
}
