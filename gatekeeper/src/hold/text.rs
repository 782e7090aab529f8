//! A hold in words for people. Text that an agent chose is
//! escaped (see [`gatekeeper_record::safe_text`]), and nothing else is.

use gatekeeper_policy::approval::Approver;
use gatekeeper_record::held::{CheckVerdict, Held};
use gatekeeper_record::safe_text::{cut, exact, words};

/// One line of what there is to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The name of the fact; empty where the line continues the one before.
    pub name: &'static str,
    /// The text, safe to be shown.
    pub text: String,
}

/// Columns of the name of a program.
const NAME: usize = 40;

/// The session's id, and its short name as it is, where it has one. Any name can be given to any session, so it stands
/// behind.
#[must_use]
pub fn session(held: &Held) -> String {
    let id = held.event.session.map_or_else(|| "?".to_owned(), |id| id.to_string());
    match &held.event.session_name {
        Some(name) => format!("{id} ({name})"),
        None => id,
    }
}

/// The owner of the session.
#[must_use]
pub fn owner(held: &Held) -> String {
    match (&held.owner_name, held.event.owner) {
        (Some(name), Some(uid)) => format!("{} ({uid})", exact(name)),
        (None, Some(uid)) => format!("uid {uid}"),
        (_, None) => "?".to_owned(),
    }
}

/// The program that asks: the last part of the program's path, and the process.
#[must_use]
pub fn program(held: &Held) -> String {
    let program = held.event.program.as_deref().unwrap_or(&held.event.task.comm);
    format!("{}[{}]", cut(program.rsplit('/').next().unwrap_or(program), NAME), held.event.task.pid)
}

/// The request, object and arguments in at most so many columns each.
#[must_use]
pub fn asked(held: &Held, columns: usize) -> String {
    let object = cut(&held.event.object.brief(), columns);
    let operation = held.event.operation.name();
    match &held.arguments {
        Some(arguments) => format!("{operation} {object} ({})", words(arguments, columns)),
        None => format!("{operation} {object}"),
    }
}

/// The notice that its session asks too often, where it does.
#[must_use]
pub fn flood(held: &Held) -> Option<String> {
    let denied = match held.flood_denied? {
        0 => String::new(),
        count => format!("; {count} so far"),
    };
    Some(format!("this session asks too often: what it asks beyond is denied unshown{denied}"))
}

/// All there is to know before deciding, of which nothing is left out.
#[must_use]
pub fn lines(held: &Held, left: u64) -> Vec<Line> {
    let event = &held.event;
    let mut lines = Vec::new();
    let mut line = |name, text: String| lines.push(Line { name, text });
    line("hold", format!("{}, {left} s left", held.hold));
    line("session", exact(&session(held)));
    line("owner", owner(held));
    if let Some(flood) = flood(held) {
        line("flood", flood);
    }
    if let Some(purpose) = &event.purpose {
        line("purpose", exact(purpose));
    }
    line("operation", event.operation.name().to_owned());
    line("object", exact(&event.object.brief()));
    for (number, argument) in held.arguments.iter().flatten().enumerate() {
        let shown = if argument.is_empty() { "\\{empty}".to_owned() } else { exact(argument) };
        line(if number == 0 { "arguments" } else { "" }, format!("{number}: {shown}"));
    }
    line("by", program(held));
    if event.owner != Some(event.task.uid) {
        let root = if event.task.uid == 0 { ", root on this machine" } else { "" };
        line("runs as", format!("uid {}{root}", event.task.uid));
    }
    if let Some(path) = &event.program {
        line("program", exact(path));
    }
    if let Some(folder) = &held.working_directory {
        line("in", exact(&folder.to_string_lossy()));
    }
    for (number, process) in event.ancestry.iter().enumerate() {
        line(if number == 0 { "below" } else { "" }, format!("{}[{}]", exact(&process.path), process.pid));
    }
    let rule = event.rule.as_ref().map_or("the policy's default", |rule| rule.id.as_str());
    line("rule", format!("{} of {}", exact(rule), exact(event.policy.as_deref().unwrap_or("?"))));
    line("why", exact(&event.reason));
    terms(held, &mut line);
    lines
}

fn terms(held: &Held, line: &mut impl FnMut(&'static str, String)) {
    let terms = &held.terms;
    if terms.needed() > 1 || terms.separation == Some(true) {
        let owner_only = if terms.separation == Some(true) { ", not the owner alone" } else { "" };
        line("needs", format!("{} to approve{owner_only}; {} have", terms.needed(), held.approved_by.len()));
    }
    for (number, list) in terms.lists().enumerate() {
        let name = |approver: &Approver| match approver {
            Approver::User(name) => exact(name),
            Approver::Group(name) => format!("group {}", exact(name)),
        };
        let names: Vec<String> = list.iter().map(name).collect();
        line(
            "decide",
            format!("{}{}", if number > 0 { "who is also one of " } else { "" }, names.join(", ")),
        );
    }
    for checked in &held.checks {
        let verdict = match checked.verdict {
            CheckVerdict::Allow => "allow",
            CheckVerdict::Ask => "ask",
            CheckVerdict::Deny => "deny",
        };
        let why = checked.reason.as_deref().unwrap_or_default();
        line("check", exact(&format!("{}: {verdict} {why}", checked.check)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hold::notify::tests::held;
    use gatekeeper_record::session_id::SessionId;

    fn line(held: &Held, name: &str) -> Option<String> {
        lines(held, 60).into_iter().find(|line| line.name == name).map(|line| line.text)
    }

    #[test]
    fn it_says_whose_session_asks_and_as_whom_it_runs() {
        let mut held = held();
        let id = SessionId::from_kernel(77).unwrap();
        assert_eq!(line(&held, "owner").unwrap(), "dev (1000)");
        assert_eq!(line(&held, "runs as"), None);
        assert_eq!(line(&held, "session").unwrap(), format!("{id} (demo)"));
        (held.event.task.uid, held.owner_name) = (0, None);
        assert_eq!(line(&held, "owner").unwrap(), "uid 1000");
        assert_eq!(line(&held, "runs as").unwrap(), "uid 0, root on this machine");
        // A name that looks like another session's id is no id.
        held.event.session_name = Some(SessionId::from_kernel(78).unwrap().to_string());
        assert!(line(&held, "session").unwrap().starts_with(&format!("{id} (")));
        held.event.session_name = None;
        assert_eq!(line(&held, "session").unwrap(), id.to_string());
    }
}
