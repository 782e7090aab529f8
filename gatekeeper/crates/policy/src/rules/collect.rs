//! From the tables of a document to rules, in order.

use std::collections::HashMap;
use std::ops::Range;

use gatekeeper_common::operation::Family;
use gatekeeper_common::verdict::RULE_LAST;
use toml::Spanned;

use super::reader::Reader;
use super::rule::{Rule, Subject};
use super::tool::Tools;
use super::{capability, exec, file, net, signal, unix};
use crate::approval::Terms;
use crate::document::{Head, Loaded, RecordWord, Table, Word as VerdictWord};
use crate::error::PolicyError;
use crate::links::Links;
use crate::source::Source;
use crate::vars::Scope;

/// Collects the rules of documents.
pub struct Collector<'a> {
    /// The rules so far.
    pub rules: Vec<Rule>,
    links: &'a dyn Links,
    tools: Tools,
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
        Self { rules, links, tools: Tools::default(), pieces: 0, ids: HashMap::new(), count: HashMap::new() }
    }

    /// Adds the rules of a document.
    ///
    /// # Errors
    /// Where a rule can't be read, or there are too many.
    pub fn add(&mut self, loaded: &Loaded, scope: &Scope<'_>) -> Result<(), PolicyError> {
        (self.ids, self.count) = (HashMap::new(), HashMap::new());
        let document = &loaded.document;
        if let Some(classes) = &document.record.required {
            loaded.source.non_empty(classes, "required")?;
        }
        let mut reader = Reader::new(&loaded.source, scope, self.links, &mut self.pieces);
        self.tools.add(&mut reader, &document.tools)?;
        for table in &document.exec {
            let mut reader = Reader::new(&loaded.source, scope, self.links, &mut self.pieces);
            let (operations, subject) = exec::read(&mut reader, &self.tools, table.get_ref(), table.span())?;
            self.push(loaded, table, operations, subject)?;
        }
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
            let mut reader = Reader::new(&loaded.source, scope, self.links, &mut self.pieces);
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
        let number = u32::try_from(self.rules.len()).ok().filter(|number| *number <= RULE_LAST);
        let number = number.ok_or_else(|| {
            let problem = format!("the policy has more than {RULE_LAST} rules");
            source.error(table.span(), problem, "put several patterns into one rule")
        })?;
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

/// Whether an id looks like one that is derived from the kind of a rule: `file-3`.
fn looks_derived(word: &str) -> bool {
    let mut ruled =
        Family::ALL.into_iter().filter(|family| !matches!(family, Family::Builtin | Family::Kernel));
    let number = ruled.find_map(|family| word.strip_prefix(family.name())?.strip_prefix('-'));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}
