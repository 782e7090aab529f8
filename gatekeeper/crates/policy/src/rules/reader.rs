//! Lists of patterns and operations in a table, read one by one.

use std::ops::Range;

use gatekeeper_common::operation::{Family, Operation};
use toml::Spanned;

use super::rule::{Written, all_of};
use crate::document::Word as VerdictWord;
use crate::error::PolicyError;
use crate::links::{Follow, Links};
use crate::pattern::word::{Kind, Word};
use crate::pattern::{Component, Pattern};
use crate::source::Source;
use crate::vars::{Scope, Use};

/// The largest number of pieces that all patterns of a policy may have together: a bound on memory.
const PIECES: usize = 4 << 20;

/// A list of texts, as written.
pub type List = Spanned<Vec<Spanned<String>>>;

/// A pattern of paths before links are followed.
#[derive(Debug)]
pub struct Unlinked {
    text: String,
    expanded: Vec<u8>,
    /// Braces multiplied out.
    pub patterns: Vec<Pattern>,
}

/// The reader of one table.
pub struct Reader<'a, 's> {
    /// The text it stands in.
    pub source: &'a Source,
    scope: &'a Scope<'s>,
    links: &'a dyn Links,
    pieces: &'a mut usize,
}

impl<'a, 's> Reader<'a, 's> {
    /// A reader of tables in this text, which counts the pieces of their patterns.
    #[must_use]
    pub fn new(
        source: &'a Source,
        scope: &'a Scope<'s>,
        links: &'a dyn Links,
        pieces: &'a mut usize,
    ) -> Self {
        Self { source, scope, links, pieces }
    }

    /// Patterns of real paths, their links followed as far as the verdict may.
    ///
    /// # Errors
    /// Where the list is empty, or a pattern can't be read.
    pub fn paths(
        &mut self,
        list: &List,
        key: &str,
        verdict: VerdictWord,
    ) -> Result<Vec<Written>, PolicyError> {
        let unlinked = self.unlinked(list, key)?;
        Ok(self.linked(unlinked.iter(), verdict))
    }

    /// Patterns of real paths, before links are followed.
    ///
    /// # Errors
    /// Where the list is empty, or a pattern can't be read.
    pub fn unlinked(&mut self, list: &List, key: &str) -> Result<Vec<Unlinked>, PolicyError> {
        let mut unlinked = Vec::new();
        for text in self.source.non_empty(list, key)? {
            let expanded = self.expand(text, Use::Pattern)?;
            let patterns =
                Pattern::parse(&expanded).map_err(|error| self.source.problem(text.span(), &error))?;
            self.count(text.span(), patterns.iter().map(Pattern::pieces).sum())?;
            unlinked.push(Unlinked { text: text.get_ref().clone(), expanded, patterns });
        }
        Ok(unlinked)
    }

    /// Patterns with their links followed as far as the verdict may.
    pub fn linked<'u>(
        &self,
        unlinked: impl Iterator<Item = &'u Unlinked>,
        verdict: VerdictWord,
    ) -> Vec<Written> {
        let follow = if verdict.forbids() { Follow::All } else { Follow::Trusted };
        let written = |one: &Unlinked| {
            Written::new(one.text.clone(), one.expanded.clone(), one.patterns.clone(), self.links, follow)
        };
        unlinked.map(written).collect()
    }

    /// Adds the other hard links of the programs that patterns name. A rule that forbids holds for a file by all of its
    /// names.
    pub fn add_hard_links(&self, programs: &mut [Written]) {
        for written in programs {
            let literal =
                written.all().filter(|pattern| pattern.components.iter().all(Component::is_literal));
            let paths: Vec<Vec<u8>> =
                literal.flat_map(|pattern| self.links.hard_links(&pattern.prefix().1)).collect();
            for path in paths {
                let pattern = Pattern { components: Vec::new() }.with_prefix(0, &path);
                if written.all().all(|known| *known != pattern) {
                    written.resolved.push(pattern);
                }
            }
        }
    }

    /// A pattern that was made of others, its links followed as far as the verdict may.
    #[must_use]
    pub fn derived(&self, pattern: Pattern, verdict: VerdictWord) -> Written {
        let expanded = pattern.text();
        let text = String::from_utf8_lossy(&expanded).into_owned();
        let unlinked = Unlinked { text, expanded, patterns: vec![pattern] };
        self.linked(std::iter::once(&unlinked), verdict).remove(0)
    }

    /// Patterns that know no slash.
    ///
    /// # Errors
    /// Where one can't be read.
    pub fn words(&mut self, list: &List, kind: Kind) -> Result<Vec<Word>, PolicyError> {
        list.get_ref().iter().map(|text| self.word(text, kind)).collect()
    }

    /// A pattern that knows no slash.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn word(&mut self, text: &Spanned<String>, kind: Kind) -> Result<Word, PolicyError> {
        let expanded = self.expand(text, Use::Pattern)?;
        let word = Word::parse(text.get_ref(), expanded, kind)
            .map_err(|error| self.source.problem(text.span(), &error))?;
        self.count(text.span(), word.expanded.len() * word.alternatives.len())?;
        Ok(word)
    }

    /// A text with its variables put in.
    ///
    /// # Errors
    /// Where a variable can't be put in.
    pub fn expand(&self, text: &Spanned<String>, used: Use) -> Result<Vec<u8>, PolicyError> {
        self.scope.expand(text.get_ref(), used).map_err(|error| self.source.problem(text.span(), &error))
    }

    /// Counts pieces of patterns.
    ///
    /// # Errors
    /// Where the policy has too many.
    pub fn count(&mut self, place: Range<usize>, pieces: usize) -> Result<(), PolicyError> {
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

/// The operations listed, as bits; all of the family where the list is left out.
///
/// # Errors
/// Where the list is empty.
pub fn operations<T: Copy + Into<Operation>>(
    source: &Source,
    list: Option<&Spanned<Vec<T>>>,
    key: &str,
    family: Family,
) -> Result<u32, PolicyError> {
    let Some(list) = list else { return Ok(all_of(family)) };
    let listed = source.non_empty(list, key)?.iter();
    Ok(listed.fold(0, |bits, word| bits | (*word).into().bit()))
}
