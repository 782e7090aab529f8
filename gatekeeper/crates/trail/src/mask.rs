//! Secrets in commands, masked before they are written down. What stands in a secret's place is a keyed
//! digest: equal secrets look equal, and without the key nobody can try guesses against it.

use std::fmt::Write as _;

use gatekeeper_policy::secrets::{BadPattern, pattern};
use hmac::{Hmac, KeyInit, Mac};
use regex::{Captures, Regex};
use sha2::Sha256;
use tracing::error;

/// Names of values that nobody else should see.
const NAMES: &str = r"(?:[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|client[_-]?key)[a-z0-9_.-]*)";

/// Shapes of secrets, whatever stands around them. Each names the secret part `s`; all else stays.
const SHAPES: [&str; 11] = [
    // Before whatever would take the word "Bearer" for the secret.
    r"(?i)\b(?:proxy-)?authorization\s*[:=]\s*(?:(?:bearer|basic|token|digest|negotiate)\s+)?(?<s>[^\s\x22',;]+)",
    r"(?i)\b(?:cookie|set-cookie|x-[a-z-]*(?:key|token|secret))\s*:\s*(?<s>[^\x22']+)",
    // A password in a URL.
    r"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@]*:(?<s>[^\s/@]+)@",
    // Keys whose makers gave them a shape, so that they can be found.
    r"\b(?<s>(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,})",
    r"\b(?<s>(?:gh[pousr]|glpat|npm|hf|pypi|dop_v1|shpat|sq0[a-z]{3})[-_][A-Za-z0-9_-]{16,})",
    r"\b(?<s>github_pat_[A-Za-z0-9_]{20,})",
    r"\b(?<s>xox[abeoprs]-[A-Za-z0-9-]{10,})",
    r"\b(?<s>(?:AKIA|ASIA)[A-Z0-9]{16})\b",
    r"\b(?<s>AIza[A-Za-z0-9_-]{30,})",
    r"\b(?<s>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?<s>[^-]+)",
];

/// The masks.
#[derive(Clone, Debug)]
pub struct Mask {
    key: [u8; 64],
    shapes: Vec<Regex>,
    named: Regex,
    flag: Regex,
}

impl Mask {
    /// The built-in patterns and these; digests are made with this key.
    ///
    /// # Errors
    /// Where a pattern is no regular expression, or names no secret part `s`.
    pub fn new(key: [u8; 32], more: &[String]) -> Result<Self, BadPattern> {
        let named =
            format!(r#"(?i)(?:^|[\s;&|"'?(,{{])(?:--?)?{NAMES}["']?\s*[=:]\s*["']?(?<s>[^\s"'&;,}}]+)"#);
        let flag = format!("(?i)^--?{NAMES}$");
        let shapes = SHAPES.iter().copied().chain(more.iter().map(String::as_str));
        // HMAC takes a key as long as the hash's block, a shorter one with zeros after it.
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(&key);
        Ok(Self {
            key: block,
            shapes: shapes.map(pattern).collect::<Result<_, _>>()?,
            named: pattern(&named)?,
            flag: Regex::new(&flag).map_err(|error| BadPattern::syntax(&flag, &error))?,
        })
    }

    /// The text without its secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let shaped = self.shapes.iter().fold(text.to_owned(), |text, shape| self.replace(shape, &text));
        self.replace(&self.named, &shaped)
    }

    /// A command without its secrets, where the word after `--token` is one too.
    #[must_use]
    pub fn command(&self, words: &[String]) -> Vec<String> {
        let mut after_flag = false;
        words
            .iter()
            .map(|word| {
                let secret = after_flag && !word.starts_with("--") && !word.is_empty();
                after_flag = self.flag.is_match(word);
                if secret { self.digest(word) } else { self.text(word) }
            })
            .collect()
    }

    /// With these patterns as well.
    #[must_use]
    pub fn with<'a>(&self, more: impl IntoIterator<Item = &'a str>) -> Self {
        let more = more.into_iter().filter_map(|text| {
            // They were checked when their policy was.
            pattern(text).inspect_err(|bad| error!("{bad}")).ok()
        });
        Self { shapes: self.shapes.iter().cloned().chain(more).collect(), ..self.clone() }
    }

    fn replace(&self, pattern: &Regex, text: &str) -> String {
        let mask = |found: &Captures<'_>| {
            let (Some(whole), Some(secret)) = (found.get(0), found.name("s")) else { return String::new() };
            // What an earlier pattern masked is not masked again: equal secrets must stay equal.
            if secret.as_str().starts_with(MARK) {
                return whole.as_str().to_owned();
            }
            let before = &text[whole.start()..secret.start()];
            let after = &text[secret.end()..whole.end()];
            format!("{before}{}{after}", self.digest(secret.as_str()))
        };
        pattern.replace_all(text, mask).into_owned()
    }

    /// Returns the digest that stands in a secret's place.
    fn digest(&self, secret: &str) -> String {
        let tag = Hmac::<Sha256>::new(&self.key.into()).chain_update(secret).finalize().into_bytes();
        let mut shown = String::from(MARK);
        for byte in tag.iter().take(DIGEST_BYTES) {
            // Writing to a String can't fail.
            let _ = write!(shown, "{byte:02x}");
        }
        shown.push('>');
        shown
    }
}

/// The beginning of a masked secret.
const MARK: &str = "<masked:";
/// Bytes of a digest that are shown.
const DIGEST_BYTES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    fn mask() -> &'static Mask {
        static MASK: LazyLock<Mask> = LazyLock::new(|| Mask::new([7; 32], &[]).unwrap());
        &MASK
    }

    fn hides(text: &str, secret: &str) {
        let shown = mask().text(text);
        assert!(!shown.contains(secret), "{text} became {shown}");
        assert!(shown.contains(MARK), "{text} became {shown}");
    }

    #[test]
    fn secrets_by_their_name() {
        hides("--token=hunter2", "hunter2");
        hides("--api-key=hunter2", "hunter2");
        hides("GITHUB_TOKEN=hunter2 make", "hunter2");
        hides("export DB_PASSWORD='hunter2'", "hunter2");
        hides("https://x.test/?access_token=hunter2&page=3", "hunter2");
        hides(r#"{"client_secret": "hunter2"}"#, "hunter2");
    }

    #[test]
    fn secrets_by_their_shape() {
        hides("curl -H 'Authorization: Bearer abc.def' https://x.test", "abc.def");
        hides("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz");
        hides("X-Api-Key: 12345", "12345");
        hides("postgres://app:hunter2@db/app", "hunter2");
        for key in [
            "sk-ant-api03-AAAAAAAAAAAAAAAAAAAA",
            "ghp_AAAAAAAAAAAAAAAAAAAAAAAA",
            "glpat-AAAAAAAAAAAAAAAAAAAA",
            "github_pat_AAAAAAAAAAAAAAAAAAAAAAAA",
            "xoxb-1234567890-abcdef",
            "AKIAIOSFODNN7EXAMPLE",
            "AIzaAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        ] {
            hides(&format!("echo {key}"), key);
        }
    }

    #[test]
    fn the_word_after_a_flag() {
        let words = ["deploy", "--token", "hunter2", "--verbose", "now"].map(str::to_owned);
        let shown = mask().command(&words);
        assert!(shown[2].starts_with(MARK), "{shown:?}");
        assert_eq!([&shown[0], &shown[1], &shown[3], &shown[4]], ["deploy", "--token", "--verbose", "now"]);
    }

    #[test]
    fn equal_secrets_look_equal_and_only_with_the_same_key() {
        let (one, other) = (mask(), Mask::new([8; 32], &[]).unwrap());
        let tail = |text: &str| text[text.find(MARK).unwrap()..].to_owned();
        assert_eq!(tail(&one.text("--token=a1")), tail(&one.text("PASSWORD=a1")));
        assert_ne!(tail(&one.text("--token=a1")), tail(&one.text("--token=a2")));
        assert_ne!(one.text("--token=a1"), other.text("--token=a1"));
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "git commit -m 'tokenize the input'",
            "ls --color=auto /home/dev/token",
            "https://example.test/a:b/c",
            "python -m http.server 8000",
        ] {
            assert_eq!(mask().text(text), text);
        }
    }

    #[test]
    fn patterns_of_ones_own() {
        let own = Mask::new([7; 32], &[r"badge (?<s>\d+)".into()]).unwrap();
        assert!(own.text("badge 4711").starts_with("badge <masked:"));
        let bad = Mask::new([7; 32], &["(".into()]).unwrap_err().to_string();
        assert!(bad.starts_with("\"(\" is not a regular expression: unclosed group"), "{bad}");
        assert!(Mask::new([7; 32], &["badge".into()]).unwrap_err().to_string().contains("(?<s>…)"));
    }

    #[test]
    fn a_policy_adds_to_what_is_masked_and_equal_secrets_stay_equal() {
        let more = mask().with([r"badge (?<s>\S+)", r"\b(?<s>hunter\d)\b"]);
        let tail = |text: &str| text[text.find(MARK).unwrap()..].to_owned();
        let (named, shaped, badge) =
            (more.text("--token=hunter2"), more.text("say hunter2"), more.text("badge hunter2"));
        assert_eq!(tail(&named), tail(&shaped));
        assert_eq!(tail(&named), tail(&badge));
        assert_eq!(tail(&named), tail(&mask().text("--token=hunter2")));
        assert_eq!(mask().text("badge 4711"), "badge 4711");
        // Environment, as assistants give it in hints and commands.
        assert!(!more.text("env HUNTER=hunter2 make").contains("hunter2"));
        assert_eq!(more.command(&["x".into(), "--token".into(), "hunter2".into()])[2], tail(&shaped));
    }

    proptest! {
        #[test]
        fn masking_twice_changes_nothing(words in proptest::collection::vec("[ -~]{0,24}", 0..6)) {
            let once = mask().text(&words.join(" "));
            prop_assert_eq!(mask().text(&once), once);
        }

        #[test]
        fn a_named_secret_never_shows(secret in "[A-Za-z0-9+/_.-]{6,40}", flag in "--(token|password|secret-key|auth-token)") {
            let shown = mask().command(&["x".into(), format!("{flag}={secret}"), flag, secret.clone()]);
            // The digest is short hexadecimal, so a short secret can be part of it by chance.
            let hidden = shown.iter().all(|word| !word.contains(&secret));
            prop_assert!(hidden || secret.len() <= 10 || secret.starts_with("--"), "{:?}", shown);
        }
    }
}
