//! `command:/PATH`: a program that is handed the hold as one line of JSON and answers `allow`, `deny` or `ask`, or
//! `{"answer": …, "reason": …}`.

use std::path::Path;

use serde::Deserialize;

use crate::config::checks::Setting;
use crate::hold::helper;
use crate::sys::passwd;
use gatekeeper_policy::trusted;
use gatekeeper_record::held::{CheckVerdict, Held};

/// Bytes of a reason, at most.
const REASON: usize = 1024;

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
) -> Result<(CheckVerdict, Option<String>), String> {
    // Looked at when the policy was loaded, too; that can be long ago.
    trusted::program(path).map_err(|error| error.to_string())?;
    let user = passwd::by_name(&setting.user).map_err(|error| format!("user {}: {error}", setting.user))?;
    let user = user.ok_or_else(|| format!("there is no user {}", setting.user))?;
    if user.uid == 0 {
        return Err(format!("{} is root", setting.user));
    }
    let mut input = serde_json::to_vec(held).map_err(|error| error.to_string())?;
    input.push(b'\n');
    let output =
        helper::ask(path, &[], &[], &user, &input, setting.time).await.map_err(|error| error.to_string())?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.complaint);
        return Err(format!("{}: {}", output.status, complaint.trim()));
    }
    understand(&output.answer)
}

fn understand(answer: &[u8]) -> Result<(CheckVerdict, Option<String>), String> {
    let text = std::str::from_utf8(answer).map_err(|_| "the answer is no text".to_owned())?.trim();
    if text.starts_with('{') {
        let word: Word = serde_json::from_str(text).map_err(|error| format!("the answer: {error}"))?;
        let cut = |reason: String| reason.get(..reason.floor_char_boundary(REASON)).map(str::to_owned);
        return Ok((word.answer, word.reason.and_then(cut)));
    }
    match text {
        "allow" => Ok((CheckVerdict::Allow, None)),
        "deny" => Ok((CheckVerdict::Deny, None)),
        "ask" => Ok((CheckVerdict::Ask, None)),
        _ => Err("the answer is none of allow, deny and ask".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_or_an_object_and_nothing_else() {
        assert_eq!(understand(b"allow\n"), Ok((CheckVerdict::Allow, None)));
        assert_eq!(understand(b" deny"), Ok((CheckVerdict::Deny, None)));
        let object = br#"{"answer":"ask","reason":"no ticket"}"#;
        assert_eq!(understand(object), Ok((CheckVerdict::Ask, Some("no ticket".into()))));
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
