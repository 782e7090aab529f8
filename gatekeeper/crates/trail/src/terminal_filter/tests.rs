//! Output that an agent can write to its terminal, and the part of it that reaches the auditor's.

use proptest::prelude::*;

use super::*;

/// Each does something to a terminal that is not drawing.
const HOSTILE: &[&str] = &[
    // The clipboard, written and asked for; in both endings, and begun by one character.
    "\u{1b}]52;c;Y3VybCBldmlsLmV4YW1wbGV8c2g=\u{7}",
    "\u{1b}]52;c;?\u{1b}\\",
    // Titles, the working folder, links, notices, colours of the palette asked for, shell marks.
    "\u{1b}]0;root@bastion\u{7}",
    "\u{1b}]2;x\u{1b}\\",
    "\u{1b}]7;file://evil/\u{7}",
    "\u{1b}]8;;http://evil.example/\u{7}",
    "\u{1b}]9;notice\u{7}",
    "\u{1b}]777;notify;a;b\u{7}",
    "\u{1b}]4;1;?\u{7}",
    "\u{1b}]11;?\u{1b}\\",
    "\u{1b}]1337;File=inline=1:AAAA\u{7}",
    "\u{1b}]50;xterm-font\u{7}",
    // Questions that are answered by typing.
    "\u{1b}[c",
    "\u{1b}[>c",
    "\u{1b}[=c",
    "\u{1b}Z",
    "\u{1b}[5n",
    "\u{1b}[6n",
    "\u{1b}[?6n",
    "\u{1b}[?15n",
    "\u{1b}[x",
    "\u{1b}[18t",
    "\u{1b}[21t",
    "\u{1b}[?1$p",
    "\u{1b}[>q",
    "\u{1b}[1;1;1;1;1;1*y",
    "\u{1b}[?u",
    "\u{1b}P$qm\u{1b}\\",
    "\u{1b}P+q544e\u{1b}\\",
    "\u{1b}P=1s\u{1b}\\",
    "\u{5}",
    // What typing then sends: mouse, focus, pasting, keys.
    "\u{1b}[?1000h",
    "\u{1b}[?1003h",
    "\u{1b}[?1004h",
    "\u{1b}[?1006h",
    "\u{1b}[?2004h",
    "\u{1b}[?1h",
    "\u{1b}[?25;1003h",
    "\u{1b}=",
    "\u{1b}[>4;2m",
    "\u{1b}[>1u",
    "\u{1b}[2h",
    "\u{1b}[1;2;3;4;5T",
    // Programmed keys, pictures, printers, windows, files; resets; what was scrolled away.
    "\u{1b}P1;1|17/0d\u{1b}\\",
    "\u{1b}Pq#0;2;0;0;0\u{1b}\\",
    "\u{1b}_Ga=q,i=1;AAAA\u{1b}\\",
    "\u{1b}^private\u{1b}\\",
    "\u{1b}Xstring\u{1b}\\",
    "\u{1b}[5i",
    "\u{1b}[?5i",
    "\u{1b}[8;1;1t",
    "\u{1b}[2;1t",
    "\u{1b}[22;0t",
    "\u{1b}c",
    "\u{1b}[!p",
    "\u{1b}[3J",
    "\u{7}",
    // A byte that is dropped hides nothing that begins behind it.
    "\u{1b}]0;a\u{1b}[6n",
    "\u{1b}[\u{7}6n",
];

/// Sequences whose beginning is dropped; the rest is no more than text.
const DEFUSED: &[(&str, &str)] = &[
    ("\u{9b}6n", "6n"),
    ("\u{90}$qm\u{9c}", "$qm"),
    ("\u{9d}52;c;Y3VybA==\u{9c}", "52;c;Y3VybA=="),
    ("\u{1b}ktitle\u{1b}\\", "title"),
];

#[test]
fn what_is_left_of_others_is_text() {
    for (hostile, text) in DEFUSED {
        assert_eq!(Sieve::default().draw(hostile), *text, "{hostile:?}");
    }
}

#[test]
fn what_does_not_draw_is_dropped() {
    for hostile in HOSTILE {
        let drawn = Sieve::default().draw(&format!("a{hostile}"));
        assert_eq!(drawn, "a", "{hostile:?}");
        // In two pieces, wherever it is cut.
        for cut in (1..hostile.len()).filter(|cut| hostile.is_char_boundary(*cut)) {
            let mut sieve = Sieve::default();
            let both = sieve.draw(&hostile[..cut]) + &sieve.draw(&hostile[cut..]);
            assert_eq!(both, "", "{hostile:?} cut at {cut}");
        }
        assert!(!Plain::default().text(hostile).contains(['\u{1b}', '\u{7}']), "{hostile:?}");
    }
}

#[test]
fn what_draws_is_let_through() {
    for drawing in [
        "héllo\r\n\tworld\u{8}",
        "\u{1b}[m\u{1b}[1;31mred\u{1b}[38;2;1;2;3m\u{1b}[4:3m\u{1b}[48:2::1:2:3m"
            .replace("::", ":0:")
            .as_str(),
        "\u{1b}[2J\u{1b}[H\u{1b}[K\u{1b}[1K\u{1b}[?K\u{1b}[3;4H\u{1b}[5A\u{1b}[7G\u{1b}[2d",
        "\u{1b}[2;20r\u{1b}[3S\u{1b}[2T\u{1b}[4L\u{1b}[2M\u{1b}[3@\u{1b}[2P\u{1b}[9X",
        "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l\u{1b}[?2026h\u{1b}[4h\u{1b}[s\u{1b}[u\u{1b}[2 q",
        "\u{1b}7\u{1b}8\u{1b}M\u{1b}D\u{1b}E\u{1b}(0qqq\u{1b}(B\u{e}\u{f}",
    ] {
        let mut sieve = Sieve::default();
        assert_eq!(sieve.draw(drawing), drawing);
        let (one, two) = drawing.split_at(drawing.floor_char_boundary(drawing.len() / 2));
        assert_eq!(Sieve::default().draw(drawing), {
            let mut sieve = Sieve::default();
            sieve.draw(one) + &sieve.draw(two)
        });
    }
}

#[test]
fn the_terminal_is_made_as_it_was() {
    let mut sieve = Sieve::default();
    assert_eq!(sieve.restore(), "\u{1b}[m\u{1b}(B\u{f}");
    sieve.draw("\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l\u{1b}[?7h\u{1b}[2;9r\u{1b}[4h");
    assert_eq!(
        sieve.restore(),
        "\u{1b}[m\u{1b}(B\u{f}\u{1b}7\u{1b}[r\u{1b}8\u{1b}[4l\u{1b}[?25h\u{1b}[?1049l"
    );
    sieve.draw("\u{1b}[?1049l\u{1b}[?25h\u{1b}[r\u{1b}[4l");
    assert_eq!(sieve.restore(), "\u{1b}[m\u{1b}(B\u{f}");
}

#[test]
fn plain_text_moves_no_cursor() {
    let text =
        "\u{1b}[1;31mred\u{1b}[0m \u{1b}]0;title\u{7}x\u{1b}]8;;http://x\u{1b}\\y\u{1b}(Bz\r\n\u{8}\u{1b}";
    let mut plain = Plain::default();
    assert_eq!(plain.text(text), "red xyz\n");
    // The escape at its end belongs to what follows.
    assert_eq!(plain.text("[31mmore"), "more");
}

proptest! {
    /// Output of the filter only draws: it goes through again unchanged, and no control string is in it.
    #[test]
    fn what_comes_out_draws(pieces in proptest::collection::vec(prop_oneof![
        "[ -~]{0,9}",
        "\u{1b}[\\[\\]PX^_()#?>=!0-9;:a-zA-Z ]{1,9}",
        "[\u{80}-\u{9f}][0-9;a-z]{0,6}",
        any::<String>(),
        proptest::sample::select(HOSTILE).prop_map(str::to_owned),
    ], 0..9)) {
        let mut sieve = Sieve::default();
        let drawn: String = pieces.iter().map(|piece| sieve.draw(piece)).collect();
        let mut again = Sieve::default();
        prop_assert_eq!(again.draw(&drawn), drawn.clone());
        let bad = |c: char| c.is_control() && !matches!(c, '\u{8}'..='\u{f}' | '\u{1b}');
        prop_assert!(!drawn.contains(bad), "{drawn:?}");
        for begin in ["\u{1b}]", "\u{1b}P", "\u{1b}_", "\u{1b}^", "\u{1b}X", "\u{1b}k", "\u{1b}[>", "\u{1b}[="] {
            prop_assert!(!drawn.contains(begin), "{drawn:?}");
        }
    }
}
