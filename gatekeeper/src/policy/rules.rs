//! Rules resolved for one session: variables put in, links followed, each with where it comes from.

use std::collections::HashMap;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{RULE_LAST, Verdict};
use serde::Serialize;
use toml::Spanned;

use super::address::Target;
use super::document::{ProtocolWord, Severity, Word};
use super::error::PolicyError;
use super::extends::Loaded;
use super::links::{Follow, Links, resolve};
use super::pattern::Pattern;
use super::source::Source;
use super::vars::{Scope, Use};

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its number in cells and events.
    pub number: u32,
    /// Its name, unique in the policy: `base/secrets`, or derived: `base/file-3`.
    pub id: String,
    /// What becomes of what matches.
    pub verdict: Verdict,
    /// The operations it speaks of, as [`Operation::bit`]s.
    pub operations: u32,
    /// What it matches.
    pub subject: Subject,
    /// Why.
    pub reason: Option<String>,
    /// How much a record of it matters.
    pub severity: Severity,
    /// Words for searching.
    pub tags: Vec<String>,
    /// The file it stands in.
    pub file: String,
    /// The line it stands on; 0 for built-in rules.
    pub line: usize,
}

/// What a rule matches.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Real paths.
    Paths(Vec<Written>),
    /// Addresses.
    Addresses(Vec<Target>, Protocols),
}

/// The protocols an address rule speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocols {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Every protocol.
    Any,
}

impl Protocols {
    /// Whether the rule speaks of this protocol.
    #[must_use]
    pub fn holds(self, protocol: Protocol) -> bool {
        match self {
            Self::Any => true,
            Self::Tcp => protocol == Protocol::Tcp,
            Self::Udp => protocol == Protocol::Udp,
        }
    }
}

/// A pattern of paths with all it stands for.
#[derive(Debug, Clone)]
pub struct Written {
    /// As the policy's author wrote it.
    pub text: String,
    /// With the variables put in.
    pub expanded: Vec<u8>,
    /// Braces multiplied out.
    pub patterns: Vec<Pattern>,
    /// What those become where links are followed.
    pub resolved: Vec<Pattern>,
}

impl Written {
    /// Follows the links of patterns.
    #[must_use]
    pub fn new(
        text: String,
        expanded: Vec<u8>,
        patterns: Vec<Pattern>,
        links: &dyn Links,
        follow: Follow,
    ) -> Self {
        let resolved = patterns.iter().flat_map(|pattern| resolve(pattern, links, follow)).collect();
        Self { text, expanded, patterns, resolved }
    }
}

/// What the three kinds of rule have in common.
struct Head<'a> {
    kind: &'static str,
    verdict: Word,
    span: std::ops::Range<usize>,
    id: &'a Option<Spanned<String>>,
    reason: &'a Option<String>,
    severity: Severity,
    tags: &'a Option<Spanned<Vec<String>>>,
}

macro_rules! head {
    ($kind:literal, $rule:expr) => {{
        let (span, rule) = ($rule.span(), $rule.get_ref());
        Head {
            kind: $kind,
            verdict: rule.verdict,
            span,
            id: &rule.id,
            reason: &rule.reason,
            severity: rule.severity,
            tags: &rule.tags,
        }
    }};
}

/// Pieces that all patterns of a policy may have together: a bound on memory.
const PIECES: usize = 4 << 20;

/// Collects the rules of documents, in order.
pub struct Collector<'a> {
    /// The rules so far.
    pub rules: Vec<Rule>,
    links: &'a dyn Links,
    /// Pieces of all patterns so far.
    pieces: usize,
    /// Ids of the document being read, each with its line.
    ids: HashMap<String, usize>,
    /// Rules of the document being read, by kind.
    count: HashMap<&'static str, usize>,
}

impl<'a> Collector<'a> {
    /// A collector that goes on from these rules.
    #[must_use]
    pub fn new(rules: Vec<Rule>, links: &'a dyn Links) -> Self {
        Self { rules, links, pieces: 0, ids: HashMap::new(), count: HashMap::new() }
    }

    /// Adds the rules of a document.
    pub fn add(&mut self, loaded: &Loaded, scope: &Scope<'_>) -> Result<(), PolicyError> {
        let source = &loaded.source;
        (self.ids, self.count) = (HashMap::new(), HashMap::new());
        for rule in &loaded.document.exec {
            let head = head!("exec", rule);
            let subject = self.paths(source, scope, &rule.get_ref().program, "program", head.verdict)?;
            self.push(loaded, head, Operation::Exec.bit(), subject)?;
        }
        for rule in &loaded.document.file {
            let head = head!("file", rule);
            let subject = self.paths(source, scope, &rule.get_ref().path, "path", head.verdict)?;
            let access = words(source, rule.get_ref().access.as_ref(), "access", FILE)?;
            self.push(loaded, head, access, subject)?;
        }
        for rule in &loaded.document.net {
            let head = head!("net", rule);
            let rule = rule.get_ref();
            let subject = Subject::Addresses(
                targets(source, scope, &rule.to)?,
                match rule.protocol {
                    Some(ProtocolWord::Tcp) => Protocols::Tcp,
                    Some(ProtocolWord::Udp) => Protocols::Udp,
                    Some(ProtocolWord::Any) | None => Protocols::Any,
                },
            );
            let operations = words(source, rule.operation.as_ref(), "operation", NET)?;
            self.push(loaded, head, operations, subject)?;
        }
        Ok(())
    }

    fn paths(
        &mut self,
        source: &Source,
        scope: &Scope<'_>,
        list: &Spanned<Vec<Spanned<String>>>,
        key: &str,
        verdict: Word,
    ) -> Result<Subject, PolicyError> {
        let follow = match verdict {
            Word::Allow | Word::Audit => Follow::Trusted,
            Word::Ask | Word::Deny => Follow::All,
        };
        let mut written = Vec::new();
        for text in filled(source, list, key)? {
            let expanded = scope
                .expand(text.get_ref(), Use::Pattern)
                .map_err(|error| source.problem(text.span(), &error))?;
            let patterns = Pattern::parse(&expanded).map_err(|error| source.problem(text.span(), &error))?;
            self.pieces += patterns.iter().map(Pattern::pieces).sum::<usize>();
            if self.pieces > PIECES {
                let problem = format!(
                    "up to here the policy's patterns have more than {PIECES} characters, braces multiplied out"
                );
                return Err(source.error(text.span(), problem, "use fewer braces, or fewer rules"));
            }
            written.push(Written::new(text.get_ref().clone(), expanded, patterns, self.links, follow));
        }
        Ok(Subject::Paths(written))
    }

    fn push(
        &mut self,
        loaded: &Loaded,
        head: Head<'_>,
        operations: u32,
        subject: Subject,
    ) -> Result<(), PolicyError> {
        let source = &loaded.source;
        let number = self.rules.len() as u32;
        if number > RULE_LAST {
            let problem = format!("the policy has more than {RULE_LAST} rules");
            return Err(source.error(head.span, problem, "put several patterns into one rule"));
        }
        if let Some(tags) = head.tags {
            filled(source, tags, "tags")?;
        }
        let line = source.position(head.span.start).0;
        let count = self.count.entry(head.kind).or_default();
        *count += 1;
        let id = match head.id {
            Some(id) => self.own_id(loaded, id, line)?,
            None => format!("{}/{}-{count}", loaded.name, head.kind),
        };
        self.rules.push(Rule {
            number,
            id,
            verdict: head.verdict.into(),
            operations,
            subject,
            reason: head.reason.clone(),
            severity: head.severity,
            tags: head.tags.as_ref().map(|tags| tags.get_ref().clone()).unwrap_or_default(),
            file: source.name.clone(),
            line,
        });
        Ok(())
    }

    fn own_id(&mut self, loaded: &Loaded, id: &Spanned<String>, line: usize) -> Result<String, PolicyError> {
        let word = id.get_ref();
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if word.is_empty() || !word.bytes().all(fine) || looks_derived(word) {
            return Err(loaded.source.error(
                id.span(),
                format!("`{word}` can't be the id of a rule"),
                "use letters, digits, `-`, `_` and `.`, and nothing like `file-3`",
            ));
        }
        match self.ids.insert(word.clone(), line) {
            None => Ok(format!("{}/{word}", loaded.name)),
            Some(other) => Err(loaded.source.error(
                id.span(),
                format!("id `{word}` is already taken by the rule on line {other}"),
                "give each rule an id of its own",
            )),
        }
    }
}

const FILE: u32 = Operation::Map.bit()
    | Operation::Read.bit()
    | Operation::Write.bit()
    | Operation::Create.bit()
    | Operation::Delete.bit()
    | Operation::Rename.bit()
    | Operation::Link.bit()
    | Operation::Metadata.bit();
const NET: u32 = Operation::Connect.bit() | Operation::Bind.bit() | Operation::Send.bit();

fn looks_derived(word: &str) -> bool {
    let number = ["exec-", "file-", "net-"].iter().find_map(|kind| word.strip_prefix(kind));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The list, or an error where it is empty.
pub fn filled<'l, T>(source: &Source, list: &'l Spanned<Vec<T>>, key: &str) -> Result<&'l [T], PolicyError> {
    if list.get_ref().is_empty() {
        let problem = format!("`{key}` is an empty list, which would match nothing");
        return Err(source.error(list.span(), problem, "name something, or remove the key or the rule"));
    }
    Ok(list.get_ref())
}

fn words<T: Copy + Into<Operation>>(
    source: &Source,
    list: Option<&Spanned<Vec<T>>>,
    key: &str,
    all: u32,
) -> Result<u32, PolicyError> {
    let Some(list) = list else { return Ok(all) };
    Ok(filled(source, list, key)?.iter().fold(0, |bits, word| bits | (*word).into().bit()))
}

fn targets(
    source: &Source,
    scope: &Scope<'_>,
    list: &Spanned<Vec<Spanned<String>>>,
) -> Result<Vec<Target>, PolicyError> {
    let mut targets = Vec::new();
    for text in filled(source, list, "to")? {
        let expanded =
            scope.expand(text.get_ref(), Use::Plain).map_err(|error| source.problem(text.span(), &error))?;
        let target = Target::parse(&String::from_utf8_lossy(&expanded))
            .map_err(|error| source.problem(text.span(), &error))?;
        targets.push(target);
    }
    Ok(targets)
}
