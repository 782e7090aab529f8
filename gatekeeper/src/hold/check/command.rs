//! `command:/PATH`: a program that is handed the hold as one line of JSON and answers `allow`, `deny` or `ask`, or
//! `{"answer": …, "reason": …}`.

use std::io;
use std::path::Path;
use std::process::ExitStatus;

use serde::Deserialize;

use crate::config::checks::Setting;
use crate::hold::helper::{self, Silent};
use crate::sys::passwd;
use gatekeeper_policy::trusted::{self, Untrusted};
use gatekeeper_record::held::{CheckVerdict, Held};

/// Bytes of a reason, at most.
const REASON: usize = 1024;

/// A program that gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A program that others than root could change.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// A user database that can't be read.
    #[error("user {user}: {source}")]
    Database {
        /// The name that was looked up.
        user: String,
        /// The cause.
        source: io::Error,
    },
    /// A user of the configuration who is not there.
    #[error("there is no user {0}")]
    NoUser(String),
    /// A user of the configuration who is root by another name.
    #[error("{0} is root")]
    Root(String),
    /// A hold that can't be written as JSON.
    #[error(transparent)]
    Input(serde_json::Error),
    /// A program that can't be started, or gives no answer in time.
    #[error(transparent)]
    Silent(#[from] Silent),
    /// A program that failed: its status and its complaint.
    #[error("{0}: {1}")]
    Failed(ExitStatus, String),
    /// An answer that is not UTF-8.
    #[error("the answer is no text")]
    NoText,
    /// An answer in JSON that has another form than the one that is expected.
    #[error("the answer: {0}")]
    Json(serde_json::Error),
    /// An answer that is another word.
    #[error("the answer is none of allow, deny and ask")]
    NoAnswer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    answer: CheckVerdict,
    #[serde(default)]
    reason: Option<String>,
}

/// Asks the program.
///
/// # Errors
/// Where the program is not trusted, can't run as the user, fails, or gives no answer in time.
pub async fn check(
    setting: &Setting,
    path: &Path,
    held: &Held,
) -> Result<(CheckVerdict, Option<String>), CommandError> {
    // Looked at when the policy was loaded, too; that can be long ago.
    trusted::program(path)?;
    let name = || setting.user.clone();
    let user = passwd::by_name(&setting.user)
        .map_err(|source| CommandError::Database { user: name(), source })?
        .ok_or_else(|| CommandError::NoUser(name()))?;
    if user.uid == 0 {
        return Err(CommandError::Root(name()));
    }
    let mut input = serde_json::to_vec(held).map_err(CommandError::Input)?;
    input.push(b'\n');
    let output = helper::ask(path, &[], &[], &user, &input, setting.time).await?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.complaint);
        return Err(CommandError::Failed(output.status, complaint.trim().to_owned()));
    }
    understand(&output.answer)
}

fn understand(answer: &[u8]) -> Result<(CheckVerdict, Option<String>), CommandError> {
    let text = std::str::from_utf8(answer).map_err(|_| CommandError::NoText)?.trim();
    if text.starts_with('{') {
        let word: Word = serde_json::from_str(text).map_err(CommandError::Json)?;
        let cut = |reason: String| reason.get(..reason.floor_char_boundary(REASON)).map(str::to_owned);
        return Ok((word.answer, word.reason.and_then(cut)));
    }
    match text {
        "allow" => Ok((CheckVerdict::Allow, None)),
        "deny" => Ok((CheckVerdict::Deny, None)),
        "ask" => Ok((CheckVerdict::Ask, None)),
        _ => Err(CommandError::NoAnswer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_or_an_object_and_nothing_else() {
        assert_eq!(understand(b"allow\n").unwrap(), (CheckVerdict::Allow, None));
        assert_eq!(understand(b" deny").unwrap(), (CheckVerdict::Deny, None));
        let object = br#"{"answer":"ask","reason":"no ticket"}"#;
        assert_eq!(understand(object).unwrap(), (CheckVerdict::Ask, Some("no ticket".into())));
        let long = format!(r#"{{"answer":"deny","reason":"{}"}}"#, "é".repeat(2000));
        assert_eq!(understand(long.as_bytes()).unwrap().1.unwrap().len(), REASON);
        for text in
            ["", "yes", "allow all", "Allow", "allow deny", r#"{"answer":"yes"}"#, "{}", "[\"allow\"]"]
        {
            assert!(understand(text.as_bytes()).is_err(), "{text}");
        }
        assert!(understand(b"allow\xff").is_err());
    }
}
