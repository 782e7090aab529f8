//! The documents against docs/STYLE.md, as far as a program can judge: sentences of at most 25 words, no word of the old
//! dialect, and no link to a file that is not there.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cmd::cmd;
use crate::paths;

/// Words of a sentence, at most.
const WORDS: usize = 25;
/// Words of the project's former dialect, each with the word to use.
const DIALECT: [(&str, &str); 6] = [
    ("anew", "again"),
    ("deed", "action, event"),
    ("doubt", "unresolved"),
    ("mend", "help"),
    ("telling", "report"),
    ("tellings", "reports"),
];
/// Stands in a text where code stood.
const CODE: &str = "CODE";

/// Fails and names each place where a document breaks the rules.
pub fn check() -> Result<()> {
    let listed = cmd("git").args(["ls-files", "*.md"]).dir(paths::root()).read()?;
    let mut wrong = Vec::new();
    for name in listed.lines() {
        let path = paths::root().join(name);
        // Moved or removed, and not committed yet.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let folder = path.parent().context("a document has a folder")?;
        wrong.extend(findings(&text, folder).into_iter().map(|finding| format!("\n  {name}:{finding}")));
    }
    if !wrong.is_empty() {
        bail!("{} places (docs/STYLE.md):{}", wrong.len(), wrong.concat());
    }
    Ok(())
}

/// The faults of a document, each with its line.
fn findings(text: &str, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (line, block) in blocks(text) {
        for link in links(&block) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty()
                && !file.contains("://")
                && !file.starts_with("mailto:")
                && !folder.join(file).exists()
            {
                found.push(format!("{line}: the link leads nowhere: {link}"));
            }
        }
        let plain = plain(&block);
        for sentence in sentences(&plain) {
            let words = count(sentence);
            if words > WORDS {
                let beginning: String = sentence.chars().take(60).collect();
                found.push(format!("{line}: a sentence of {words} words: {beginning}…"));
            }
        }
        for word in plain.split(|c: char| !c.is_alphanumeric()) {
            let lower = word.to_lowercase();
            if let Some((_, instead)) = DIALECT.iter().find(|(dialect, _)| *dialect == lower) {
                found.push(format!("{line}: write \"{instead}\" for \"{word}\""));
            }
        }
    }
    found
}

/// The paragraphs, list items, headings and table cells of a document, each with its first line's number. Fenced code is
/// left out.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let (mut blocks, mut fenced) = (Vec::<(usize, String)>::new(), false);
    // Whether the next line goes on with the last block.
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        let (number, line) = (at + 1, line.trim());
        if line.starts_with("```") {
            (fenced, open) = (!fenced, false);
        } else if fenced || line.is_empty() {
            open = false;
        } else if line.starts_with('|') {
            blocks.extend(line.split('|').map(|cell| (number, cell.trim().to_owned())));
            open = false;
        } else if line.starts_with('#') {
            blocks.push((number, line.trim_start_matches('#').to_owned()));
            open = false;
        } else {
            match blocks.last_mut() {
                Some((_, block)) if open && !is_item(line) => {
                    block.push(' ');
                    block.push_str(line);
                }
                _ => blocks.push((number, line.to_owned())),
            }
            open = true;
        }
    }
    blocks
}

/// Whether a line begins an item of a list.
fn is_item(line: &str) -> bool {
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ")
        || line.starts_with("* ")
        || (digits.len() < line.len() && digits.starts_with(". "))
}

/// The targets of the links in a block.
fn links(block: &str) -> impl Iterator<Item = &str> {
    // Code in backquotes has no links.
    let outside = block.split('`').step_by(2);
    outside.flat_map(|part| part.split("](").skip(1).filter_map(|rest| rest.split(')').next()))
}

/// A block without its markup: code is one word, and a link is its text.
fn plain(block: &str) -> String {
    let parts: Vec<&str> = block.split('`').collect();
    let mut plain = String::new();
    for (at, part) in parts.iter().enumerate() {
        plain.push_str(if at % 2 == 0 { part } else { CODE });
    }
    while let Some((before, rest)) = plain.split_once("](") {
        let after = rest.split_once(')').map_or("", |(_, after)| after);
        plain = format!("{before}{after}");
    }
    plain.replace(['*', '['], "")
}

/// The sentences of a text without markup.
fn sentences(plain: &str) -> Vec<&str> {
    let (mut sentences, mut start) = (Vec::new(), 0);
    for (at, _) in plain.match_indices(' ') {
        let ended = plain[start..at].trim_end_matches([')', '"']).ends_with(['.', '!', '?']);
        let next = plain[at..].trim_start().trim_start_matches(['(', '"']).chars().next();
        if ended && next.is_some_and(|c| c.is_uppercase() || c.is_ascii_digit()) {
            sentences.push(&plain[start..at]);
            start = at;
        }
    }
    sentences.push(&plain[start..]);
    sentences
}

/// The words of a sentence. Code after code is a list and counts once.
fn count(sentence: &str) -> usize {
    let words: Vec<&str> = sentence.split(' ').filter(|word| word.contains(char::is_alphanumeric)).collect();
    let is_code = |word: &str| word.contains(CODE);
    let repeated = words.windows(2).filter(|pair| is_code(pair[0]) && is_code(pair[1])).count();
    words.len() - repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        findings(text, paths::root())
    }

    #[test]
    fn long_sentences_are_found_and_code_is_one_word() {
        let long = "word ".repeat(26);
        assert_eq!(found(&format!("# Head\n\n{long}\n")).len(), 1);
        assert!(found(&format!("- {}.\n- Next.\n", "word ".repeat(25))).is_empty());
        assert!(found(&format!("`{long}` is code, and `a`, `b`, `c` one word.\n")).is_empty());
        assert!(found(&format!("```\n{long}\n```\n")).is_empty());
        assert!(found(&format!("| {} | {} |\n", "word ".repeat(20), "word ".repeat(20))).is_empty());
        assert_eq!(found(&format!("One\n{long}\ntwo. Three.\n")).len(), 1);
    }

    #[test]
    fn dialect_is_found_outside_code() {
        assert_eq!(found("The mend is `mend`.\n"), ["1: write \"help\" for \"mend\""]);
        assert!(found("See [the story](README.md) of recommended words.\n").is_empty());
    }

    #[test]
    fn links_lead_somewhere() {
        assert!(found("[a](README.md) [b](docs/STYLE.md#x) [c](https://example.org/y) [d](#e)\n").is_empty());
        assert_eq!(found("See [a](docs/none.md).\n"), ["1: the link leads nowhere: docs/none.md"]);
    }
}
