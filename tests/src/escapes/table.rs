//! Results of the attacks, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The result of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All three proofs hold.
    Blocked,
    /// Success in a session, listed in `KNOWN`.
    Known,
    /// Success in a session.
    Escaped,
    /// This kernel lacks what it needs.
    Impossible,
    /// Some proof could not be had.
    Broken,
}

impl Verdict {
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Escaped | Self::Broken)
    }
}

/// An attack and what came of it.
pub struct Row {
    pub name: String,
    pub door: String,
    pub verdict: Verdict,
    pub words: String,
    pub took: Duration,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, effect) = match self.verdict {
            Verdict::Blocked => ("ok", "blocked: "),
            Verdict::Known => ("known", "it still succeeds: "),
            Verdict::Escaped => ("FAILED", "it succeeds: "),
            Verdict::Impossible => ("none", ""),
            Verdict::Broken => ("FAILED", ""),
        };
        let colon = if self.verdict == Verdict::Blocked { "" } else { ":" };
        write!(f, "{head} {}{colon} {effect}{} ({:.1} s)", self.name, self.words, self.took.as_secs_f64())
    }
}

/// The table by door, and a line for programs.
pub fn of(rows: &[Row]) -> String {
    let mut doors: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        doors.entry(&row.door).or_default().push(row);
    }
    let mut lines = vec![
        String::new(),
        "| door | attacks | blocked | still succeed | not on this kernel | unproved | work goes on |"
            .to_owned(),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    let all: Vec<&Row> = rows.iter().collect();
    for (door, rows) in doors.iter().map(|(door, rows)| (*door, rows)).chain([("all", &all)]) {
        let count = |wanted: &[Verdict]| rows.iter().filter(|row| wanted.contains(&row.verdict)).count();
        let worked = count(&[Verdict::Blocked, Verdict::Known, Verdict::Escaped]);
        lines.push(format!(
            "| {door} | {} | {} | {} | {} | {} | {worked} |",
            rows.len(),
            count(&[Verdict::Blocked]),
            count(&[Verdict::Known, Verdict::Escaped]),
            count(&[Verdict::Impossible]),
            count(&[Verdict::Broken]),
        ));
    }
    lines.push(String::new());
    let list: Vec<_> = rows
        .iter()
        .map(|row| serde_json::json!({ "attack": row.name, "verdict": format!("{:?}", row.verdict).to_lowercase() }))
        .collect();
    lines.push(format!("escapes: {}", serde_json::Value::from(list)));
    lines.join("\n")
}
