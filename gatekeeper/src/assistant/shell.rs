//! The commands in a line of shell, as far as they can be read without running it.
//!
//! A courtesy: an assistant learns of a denial before it tries. What a shell really runs is for the kernel to
//! judge, so whatever is not plain (an expansion, a here-document, a keyword) is left out, never guessed.

/// Commands found, at most.
const COMMANDS: usize = 32;
/// Shells within shells.
const DEPTH: usize = 4;

/// One word or operator.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// A word whose meaning only the shell knows.
    Unknown,
    /// The end of a command.
    End,
    /// `>`, `>>`, `<`: the word after it is a file.
    Redirect,
}

/// The plain commands in a line, each with its arguments.
#[must_use]
pub fn commands(line: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    collect(line, DEPTH, &mut found);
    found
}

/// A word as a shell takes it for one.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn collect(line: &str, depth: usize, found: &mut Vec<Vec<String>>) {
    let Some(tokens) = tokens(line) else { return };
    for command in tokens.split(|token| *token == Token::End) {
        let mut words = Vec::new();
        let mut known = true;
        let mut rest = command.iter();
        while let Some(token) = rest.next() {
            match token {
                Token::Word(word) if words.is_empty() && is_assignment(word) => {}
                Token::Word(word) => words.push(word.clone()),
                Token::Unknown => known = false,
                Token::Redirect => drop(rest.next()),
                Token::End => {}
            }
        }
        let Some(program) = words.first() else { continue };
        if !known || is_of_the_shell(program) || found.len() >= COMMANDS {
            continue;
        }
        let inner = script(&words).map(str::to_owned);
        found.push(words);
        if let Some(inner) = inner
            && depth > 0
        {
            collect(&inner, depth - 1, found);
        }
    }
}

/// The line that `sh -c` is given.
fn script(words: &[String]) -> Option<&str> {
    let (program, rest) = words.split_first()?;
    let name = program.rsplit('/').next()?;
    if !matches!(name, "sh" | "bash" | "dash" | "zsh" | "ksh") {
        return None;
    }
    let short = |word: &&String| word.starts_with('-') && !word.starts_with("--");
    let at = rest.iter().take_while(short).position(|word| word.ends_with('c'))?;
    rest.get(at + 1).map(String::as_str)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Words that start no program: keywords, after which a command may stand, and what a shell does itself.
fn is_of_the_shell(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "!", "{", "}", "[[", "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done",
        "case", "esac", "in", "function", "select", "time", "coproc", ".", ":", "alias", "bg", "break",
        "builtin", "cd", "command", "continue", "declare", "dirs", "echo", "eval", "exec", "exit", "export",
        "false", "fg", "getopts", "hash", "help", "history", "jobs", "kill", "let", "local", "popd",
        "printf", "pushd", "pwd", "read", "readonly", "return", "set", "shift", "shopt", "source", "test",
        "[", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
    ];
    WORDS.contains(&word)
}

/// The line as words and operators; `None` where it is not whole, or has what only a shell can read.
fn tokens(line: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut known = true;
    let mut chars = line.chars().peekable();
    let finish = |word: &mut Option<String>, known: &mut bool, tokens: &mut Vec<Token>| {
        if let Some(text) = word.take() {
            tokens.push(if *known { Token::Word(text) } else { Token::Unknown });
        }
        *known = true;
    };
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => finish(&mut word, &mut known, &mut tokens),
            '#' if word.is_none() => while chars.next_if(|c| *c != '\n').is_some() {},
            '\n' | ';' | '&' | '|' | '(' | ')' => {
                // `2>&1` and `&>`: no end of a command.
                let redirect = c == '&' && (tokens.last() == Some(&Token::Redirect) && word.is_none());
                if redirect {
                    word = Some(String::new());
                } else if c == '&' && chars.peek() == Some(&'>') {
                    finish(&mut word, &mut known, &mut tokens);
                } else {
                    finish(&mut word, &mut known, &mut tokens);
                    tokens.push(Token::End);
                }
            }
            '>' | '<' => {
                // The number of a descriptor before it is no word.
                let number = |word: &String| word.chars().all(|c| c.is_ascii_digit());
                if word.as_ref().is_some_and(number) {
                    word = None;
                }
                finish(&mut word, &mut known, &mut tokens);
                if c == '<' && matches!(chars.peek(), Some('<' | '(')) || chars.peek() == Some(&'(') {
                    return None;
                }
                while chars.next_if(|next| matches!(next, '>' | '|')).is_some() {}
                tokens.push(Token::Redirect);
            }
            '\'' => {
                let text = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => text.push(c),
                    }
                }
            }
            '"' => {
                let text = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            '\n' => {}
                            c @ ('$' | '`' | '"' | '\\') => text.push(c),
                            c => text.extend(['\\', c]),
                        },
                        '$' | '`' => known = false,
                        c => text.push(c),
                    }
                }
            }
            '\\' => match chars.next()? {
                '\n' => {}
                c => word.get_or_insert_default().push(c),
            },
            '$' | '`' => {
                // A command within: what it holds may hold anything, separators too.
                if c == '`' || chars.peek() == Some(&'(') {
                    return None;
                }
                known = false;
                word.get_or_insert_default();
            }
            '*' | '?' | '[' | '{' => {
                let text = word.get_or_insert_default();
                // Alone they are words: `[`, `{`.
                if !(text.is_empty() && chars.peek().is_none_or(|next| next.is_whitespace())) {
                    known = false;
                }
                text.push(c);
            }
            '~' if word.is_none() => {
                known = false;
                word = Some("~".to_owned());
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    finish(&mut word, &mut known, &mut tokens);
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Vec<String> {
        commands(line).iter().map(|words| words.join("|")).collect()
    }

    #[test]
    fn plain_commands_are_found() {
        assert_eq!(parsed("git status"), ["git|status"]);
        assert_eq!(
            parsed("A=1 make -j4 && ./run 'a b' \"c d\" | tee x; ls&"),
            ["make|-j4", "./run|a b|c d", "tee|x", "ls"]
        );
        assert_eq!(parsed("curl -s http://x 2>&1 >/dev/null\nnc -l 1"), ["curl|-s|http://x", "nc|-l|1"]);
        assert_eq!(
            parsed("bash -lc 'rm -rf / ; git push'"),
            ["bash|-lc|rm -rf / ; git push", "rm|-rf|/", "git|push"]
        );
        assert_eq!(parsed("cd src && cat a # cat b"), ["cat|a"]);
    }

    #[test]
    fn expansions_of_a_shell_are_not_guessed() {
        for line in ["$X y", "rm *.o", "cat ~/.ssh/id", "cat <<E\nnc x\nE", "echo $(nc x)", "`nc`", "nc 'x"] {
            assert_eq!(parsed(line), [""; 0], "{line}");
        }
        assert_eq!(parsed("if true; then nc x; fi"), [""; 0]);
        assert_eq!(parsed("nc \"$HOST\"; ls a\\ b"), ["ls|a b"]);
    }

    #[test]
    fn many_and_deep_lines_end() {
        assert_eq!(parsed(&"x;".repeat(1000)).len(), COMMANDS);
        let deep = (0..7).fold("ls".to_owned(), |line, _| format!("sh -c '{}'", line.replace('\'', "'\\''")));
        assert!(parsed(&deep).len() <= DEPTH + 1);
    }
}
