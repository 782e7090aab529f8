//! From the tables of a document to rules, in order.

use std::collections::HashMap;
use std::ops::Range;

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::RULE_LAST;
use toml::Spanned;

use super::rule::{Rule, Subject, Written};
use super::{capability, exec, file, net, signal, unix};
use crate::approval::Terms;
use crate::document::{Head, Loaded, RecordWord, Table, Word as VerdictWord};
use crate::error::PolicyError;
use crate::links::{Follow, Links};
use crate::pattern::Pattern;
use crate::pattern::word::{Kind, Word};
use crate::source::Source;
use crate::vars::{Scope, Use};

/// Pieces that all patterns of a policy may have together: a bound on memory.
const PIECES: usize = 4 << 20;

/// Names from which ids are derived.
const KINDS: [&str; 6] = ["exec", "file", "net", "unix", "signal", "capability"];

/// A list of texts, as written.
pub type List = Spanned<Vec<Spanned<String>>>;

/// Collects the rules of documents.
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
        (self.ids, self.count) = (HashMap::new(), HashMap::new());
        let document = &loaded.document;
        if let Some(classes) = &document.record.required {
            loaded.source.non_empty(classes, "required")?;
        }
        self.tables(loaded, scope, &document.exec, exec::read)?;
        self.tables(loaded, scope, &document.file, file::read)?;
        self.tables(loaded, scope, &document.net, net::read)?;
        self.tables(loaded, scope, &document.unix, unix::read)?;
        self.tables(loaded, scope, &document.signal, signal::read)?;
        self.tables(loaded, scope, &document.capability, capability::read)
    }

    fn tables<T: Table>(
        &mut self,
        loaded: &Loaded,
        scope: &Scope<'_>,
        tables: &[Spanned<T>],
        read: impl Fn(&mut Reader<'_, '_>, &T, Range<usize>) -> Result<(u32, Subject), PolicyError>,
    ) -> Result<(), PolicyError> {
        for table in tables {
            let mut reader =
                Reader { source: &loaded.source, scope, links: self.links, pieces: &mut self.pieces };
            let (operations, subject) = read(&mut reader, table.get_ref(), table.span())?;
            self.push(loaded, table, operations, subject)?;
        }
        Ok(())
    }

    fn push<T: Table>(
        &mut self,
        loaded: &Loaded,
        table: &Spanned<T>,
        operations: u32,
        subject: Subject,
    ) -> Result<(), PolicyError> {
        let (source, head) = (&loaded.source, table.get_ref().head());
        let number = self.rules.len() as u32;
        if number > RULE_LAST {
            let problem = format!("the policy has more than {RULE_LAST} rules");
            return Err(source.error(table.span(), problem, "put several patterns into one rule"));
        }
        if let Some(tags) = head.tags {
            source.non_empty(tags, "tags")?;
        }
        if let Some((place, key)) = head.asks.first().filter(|_| head.verdict != VerdictWord::Ask) {
            let problem = format!("`{key}` means nothing in a rule that doesn't ask");
            return Err(source.error(place, problem, "write `verdict = \"ask\"`, or remove the key"));
        }
        let terms = Terms::of_rule(source, &head.asks)?;
        let line = source.position(table.span().start).0;
        let count = self.count.entry(T::KIND).or_default();
        *count += 1;
        let id = match head.id {
            Some(id) => self.own_id(loaded, id, line)?,
            None => format!("{}/{}-{count}", loaded.name, T::KIND),
        };
        self.rules.push(Rule {
            number,
            id,
            verdict: head.verdict.into(),
            required: required(source, T::KIND, &head)?,
            operations,
            subject,
            reason: head.reason.map(str::to_owned),
            severity: head.severity,
            tags: head.tags.map(|tags| tags.get_ref().clone()).unwrap_or_default(),
            terms,
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

/// Whether a rule's record is required; an error where there is none to require.
fn required(source: &Source, kind: &str, head: &Head<'_>) -> Result<bool, PolicyError> {
    let Some(record) = head.record else { return Ok(false) };
    let RecordWord::Required = record.get_ref();
    match head.verdict {
        VerdictWord::Deny => Err(source.error(
            record.span(),
            "a rule that denies lets nothing pass, recorded or not",
            "remove `record` here; a denial that can't be recorded is one all the same, and counted",
        )),
        VerdictWord::Allow if kind != "exec" => Err(source.error(
            record.span(),
            format!("what a `[[{kind}]]` rule allows is not recorded"),
            "write `verdict = \"audit\"`, or remove `record`",
        )),
        _ => Ok(true),
    }
}

fn looks_derived(word: &str) -> bool {
    let number = KINDS.iter().find_map(|kind| word.strip_prefix(kind)?.strip_prefix('-'));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What reading one table needs.
pub struct Reader<'a, 's> {
    /// The text it stands in.
    pub source: &'a Source,
    scope: &'a Scope<'s>,
    links: &'a dyn Links,
    pieces: &'a mut usize,
}

impl Reader<'_, '_> {
    /// Patterns of real paths, their links followed as far as the verdict may.
    pub fn paths(
        &mut self,
        list: &List,
        key: &str,
        verdict: VerdictWord,
    ) -> Result<Vec<Written>, PolicyError> {
        let follow = if verdict.forbids() { Follow::All } else { Follow::Trusted };
        let mut written = Vec::new();
        for text in self.source.non_empty(list, key)? {
            let expanded = self.expand(text, Use::Pattern)?;
            let patterns =
                Pattern::parse(&expanded).map_err(|error| self.source.problem(text.span(), &error))?;
            self.evaluate(text.span(), patterns.iter().map(Pattern::pieces).sum())?;
            written.push(Written::new(text.get_ref().clone(), expanded, patterns, self.links, follow));
        }
        Ok(written)
    }

    /// Patterns that know no slash.
    pub fn words(&mut self, list: &List, kind: Kind) -> Result<Vec<Word>, PolicyError> {
        let mut words = Vec::new();
        for text in list.get_ref() {
            let expanded = self.expand(text, Use::Pattern)?;
            let word = Word::parse(text.get_ref(), expanded, kind)
                .map_err(|error| self.source.problem(text.span(), &error))?;
            self.evaluate(text.span(), word.expanded.len() * word.alternatives.len())?;
            words.push(word);
        }
        Ok(words)
    }

    /// A text with its variables put in.
    pub fn expand(&self, text: &Spanned<String>, used: Use) -> Result<Vec<u8>, PolicyError> {
        self.scope.expand(text.get_ref(), used).map_err(|error| self.source.problem(text.span(), &error))
    }

    /// Counts pieces of patterns, and stops where they become too many.
    pub fn evaluate(&mut self, place: Range<usize>, pieces: usize) -> Result<(), PolicyError> {
        *self.pieces += pieces;
        if *self.pieces > PIECES {
            let problem = format!(
                "up to here the policy's patterns have more than {PIECES} characters, braces multiplied out"
            );
            return Err(self.source.error(place, problem, "use fewer braces, or fewer rules"));
        }
        Ok(())
    }
}

/// The operations listed, as bits; all of them where the list is left out.
pub fn operations<T: Copy + Into<Operation>>(
    source: &Source,
    list: Option<&Spanned<Vec<T>>>,
    key: &str,
    all: &[Operation],
) -> Result<u32, PolicyError> {
    let bits = |list: &mut dyn Iterator<Item = Operation>| list.fold(0, |bits, one| bits | one.bit());
    let Some(list) = list else { return Ok(bits(&mut all.iter().copied())) };
    Ok(bits(&mut source.non_empty(list, key)?.iter().map(|word| (*word).into())))
}
