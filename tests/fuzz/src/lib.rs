//! Properties that hold of any bytes. `cargo +nightly fuzz run --fuzz-dir tests/fuzz TARGET` looks for bytes that
//! break them; `gatekeeper/tests/fuzz.rs` tries some on every `cargo test`.

use std::path::Path;

use gatekeeper::protocol::messages::{Envelope, PROTOCOL};
use gatekeeper::protocol::wire;
use gatekeeper_common::limits::{COMPONENTS, NAME_BYTES, PATH_BYTES};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use gatekeeper_policy::defaults::Defaults;
use gatekeeper_policy::document::Severity;
use gatekeeper_policy::links::{Follow, NoLinks};
use gatekeeper_policy::pattern::Pattern;
use gatekeeper_policy::question::Question;
use gatekeeper_policy::reference;
use gatekeeper_policy::rules::{Rule, Subject, Written};
use gatekeeper_policy::source::Source;
use gatekeeper_policy::verify::verify;
use gatekeeper_policy::{Policy, Resolved, SearchPath, Vars};
use gatekeeper_record::raw_event::RawEvent;
use gatekeeper_record::record::Event;
use gatekeeper_trail::explain::Context;

/// Longer patterns only take longer.
const PATTERN: usize = 64;

/// A policy is refused with a place in it, or becomes an image that can be walked.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines = text.lines().count().max(1) + 1;
    let vars =
        Vars::new(Path::new("/home/dev/work"), Path::new("/home/dev"), "dev", 1000, Path::new("/tmp"), "s1");
    let source = Source::new("fuzz", None, text.to_owned());
    let compiled = Policy::from_source(source, &SearchPath { directories: Vec::new() })
        .and_then(|policy| policy.resolve(&vars, &NoLinks))
        .and_then(Resolved::compile);
    match compiled {
        Ok(compiled) => verify(&compiled.image.head(), compiled.image.comb(), compiled.rules.len())
            .unwrap_or_else(|error| panic!("compiled to what can't be walked: {error}")),
        Err(error) => {
            assert!(error.line <= lines, "an error in line {} of {lines}", error.line);
            assert!(!error.problem.is_empty() && !error.to_string().is_empty());
        }
    }
}

/// Of two patterns and a path, a line each, the compiled image and the oracle answer the same.
pub fn glob(bytes: &[u8]) {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let (Some(first), Some(second), Some(path)) = (lines.next(), lines.next(), lines.next()) else { return };
    if !is_path(path) || first.len() > PATTERN || second.len() > PATTERN {
        return;
    }
    let rules = [(first, Verdict::Allow), (second, Verdict::Deny)].into_iter().zip(0..);
    let rules: Vec<Rule> =
        rules.filter_map(|((text, verdict), number)| rule(number, text, verdict)).collect();
    // Numbers are places.
    if rules.iter().zip(0..).any(|(rule, place)| rule.number != place) {
        return;
    }
    let defaults = Defaults::default();
    let resolved = Resolved {
        name: String::new(),
        description: None,
        file: String::new(),
        defaults,
        rules,
        secrets: Default::default(),
        approval: gatekeeper_policy::approval::Terms::default(),
        tests: Vec::new(),
    };
    let compiled = match resolved.compile() {
        Err(error) if error.problem.contains("too large") => return,
        compiled => compiled.unwrap_or_else(|error| panic!("{error}")),
    };
    let question = Question::File(path.to_vec(), vec![Operation::Read]);
    let oracle = reference::judge(compiled.rules.iter(), &defaults, &question);
    assert_eq!(compiled.judge(&question).1, oracle, "{}", String::from_utf8_lossy(bytes));
}

fn rule(number: u32, text: &[u8], verdict: Verdict) -> Option<Rule> {
    let patterns = Pattern::parse(text).ok()?;
    let written = Written::new(String::new(), text.to_vec(), patterns, &NoLinks, Follow::All);
    Some(Rule {
        required: false,
        number,
        id: String::new(),
        verdict,
        operations: Operation::Read.bit(),
        subject: Subject::Paths(vec![written]),
        reason: None,
        severity: Severity::Info,
        tags: Vec::new(),
        terms: gatekeeper_policy::approval::Terms::default(),
        file: String::new(),
        line: 0,
    })
}

/// Whether the kernel could have walked it.
fn is_path(path: &[u8]) -> bool {
    let Some(rest) = path.strip_prefix(b"/") else { return false };
    let names = || rest.split(|byte| *byte == b'/');
    let is_name = |name: &[u8]| {
        (1..=NAME_BYTES).contains(&name.len()) && !name.contains(&0) && name != b"." && name != b".."
    };
    path.len() <= PATH_BYTES
        && (rest.is_empty() || (names().all(is_name) && names().count() <= COMPONENTS as usize))
}

/// Checks that bytes of the ring buffer become a record that its line gives back, or are refused.
pub fn event(bytes: &[u8]) {
    let Some(raw) = RawEvent::parse(bytes) else { return };
    let Ok(event) = Context::default().explain(&raw) else { return };
    let line = serde_json::to_string(&event).unwrap_or_else(|error| panic!("{error}"));
    assert!(!line.contains('\n'));
    let again: Event = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!(again, event);
}

/// A request is refused, or means the same when it is written anew.
pub fn protocol(bytes: &[u8]) {
    let request = match wire::parse(bytes) {
        Ok(request) => request,
        Err(refusal) => return assert!(!refusal.message.is_empty()),
    };
    let envelope = Envelope { protocol: PROTOCOL, request: request.clone() };
    let line = serde_json::to_vec(&envelope).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(wire::parse(&line).ok(), Some(request));
}
