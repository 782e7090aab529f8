//! Rules and answers for people.

use anstyle::{AnsiColor, Style};

use gatekeeper_policy::other_names::{Kind, OtherNames};
use gatekeeper_policy::view::{AnswerView, Named, RuleView, default_text};

/// An answer, and the rules behind it.
pub fn print_answer(answer: &AnswerView<'_>) {
    anstream::println!("{}  {} {}", paint(answer.verdict, answer.verdict), answer.operation, answer.object);
    if let Some(cause) = answer.cause {
        anstream::println!("  denied: {cause}");
    }
    match (&answer.rule, answer.default) {
        (Some(rule), _) => anstream::println!("  by    {}", named(rule)),
        (None, Some(default)) => anstream::println!("  by    no rule; {}", default_text(default)),
        (None, None) => anstream::println!("  by    a limit of the kernel side"),
    }
    for rule in &answer.also_matched {
        anstream::println!("  also  {}", named(rule));
    }
}

fn named(rule: &Named<'_>) -> String {
    let reason = rule.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let place = place(rule.file, rule.line);
    format!("{} {} {place}{reason}", paint(rule.verdict, rule.verdict), rule.id)
}

fn place(file: &str, line: usize) -> String {
    if line == 0 { file.to_owned() } else { format!("({file}:{line})") }
}

/// A rule as it is enforced.
pub fn print_rule(rule: &RuleView<'_>) {
    let reason = rule.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    anstream::println!();
    anstream::println!(
        "{}{}  {}  {}{reason}",
        paint(rule.verdict, rule.verdict),
        if rule.record_required { ", record required" } else { "" },
        rule.id,
        place(rule.file, rule.line)
    );
    let over = rule.protocol.map(|protocol| format!(" over {protocol:?}").to_lowercase()).unwrap_or_default();
    anstream::println!("  {}{over}", rule.operations.join(" "));
    for path in &rule.paths {
        if path.written == path.pattern {
            anstream::println!("    {}", path.pattern);
        } else {
            anstream::println!("    {}  ({})", path.pattern, path.written);
        }
        for real in &path.resolved {
            anstream::println!("      → {real}");
        }
    }
    if !rule.names_kept.is_empty() {
        anstream::println!("    and renaming {}", rule.names_kept.join(" "));
    }
    for pattern in &rule.names_not_kept {
        anstream::println!("    renaming a folder above {pattern} can take a file out of this rule");
    }
    let mut more = Vec::new();
    if let Some(names) = &rule.called {
        more.push(format!("called {}", names.join(", ")));
    }
    if let Some(tool) = rule.tool {
        more.push(format!("as {tool} {}", rule.subcommands.join(", ")));
    }
    if let Some(args) = &rule.args {
        more.push(format!("with arguments {args:?}"));
    }
    if !rule.env.is_empty() {
        more.push(format!("with one of {} set", rule.env.join(", ")));
    }
    if !rule.signals.is_empty() {
        more.push(format!("by {}", rule.signals.join(", ")));
    }
    more.extend(rule.names.iter().map(|name| format!("@{name}")));
    more.extend(rule.capabilities.iter().cloned());
    for line in &more {
        anstream::println!("    {line}");
    }
    for address in &rule.to {
        anstream::println!("    {address}");
    }
}

/// Other names by which a rule about arguments can be passed, and what to do.
pub fn print_other_names(others: &OtherNames) {
    const SHOWN: usize = 4;
    let (kind, help) = match others.kind {
        Kind::HardLink => ("the same file", "add it to `program`"),
        Kind::Copy => ("a copy", "add it to `program`"),
        Kind::Link => {
            ("another name", "say by `name`, or by `tool` and `subcommand`, what the rule is about")
        }
    };
    let more = others.paths.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let paths = others.paths.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let mark = paint("can be passed", "audit");
    anstream::println!("    {mark}  {}: by {kind}, {paths}{more}", others.rule);
    anstream::println!("      help: {help}");
}

/// A word in the colour of a verdict; `anstream` drops the colour where nobody would see it.
pub fn paint(word: &str, verdict: &str) -> String {
    let colour = match verdict {
        "allow" => AnsiColor::Green,
        "audit" => AnsiColor::Cyan,
        "ask" => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    let style = Style::new().fg_color(Some(colour.into())).bold();
    format!("{style}{word}{style:#}")
}
