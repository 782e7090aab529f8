//! The name and the arguments that a program is started with, as a rule asks for them.

use std::sync::Arc;

use crate::pattern::word::{Word, WordError, count};
use crate::pattern::{Component, Pattern, glob};
use crate::rules::Written;

/// The name and the arguments that a rule asks for.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Patterns of the last part of `argv[0]`; `None`: any, but for a subcommand those that name one themselves.
    pub names: Option<Vec<Word>>,
    /// The subcommand that stands before the arguments.
    pub subcommand: Option<Subcommand>,
    /// One pattern an argument; `**` is any number of them.
    pub args: Vec<Word>,
}

/// The subcommands of a tool that a rule asks for.
#[derive(Debug, Clone)]
pub struct Subcommand {
    /// The options that may stand before each word.
    pub options: Arc<Options>,
    /// The subcommands, each of one word or more.
    pub any_of: Vec<Vec<Word>>,
}

/// The options of a tool that stand before its subcommand.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its number among those of one policy.
    pub number: u32,
    /// The tool's name in policies.
    pub tool: String,
    /// Options without a value. A `*` at the end is any text.
    pub flags: Vec<String>,
    /// Patterns of what a flag takes for its value where it comes next. No subcommand of a rule matches one.
    pub flag_values: Vec<Word>,
    /// Options whose value is the next argument.
    pub with_value: Vec<String>,
    /// The beginning of names under which the tool is started as its subcommand.
    pub applet: Option<String>,
}

impl Options {
    /// The beginning of names by which the tool is nothing but its subcommand; `None` where there is none.
    #[must_use]
    pub fn own_prefix(&self) -> Option<&str> {
        self.applet.as_deref().filter(|applet| !applet.is_empty())
    }

    /// Bytes of all options: a bound on the nodes that they need.
    #[must_use]
    pub fn size(&self) -> usize {
        let values = self.flag_values.iter().map(|word| word.expanded.len() * word.alternatives.len() + 1);
        self.flags.iter().chain(&self.with_value).map(|option| option.len() + 1).chain(values).sum()
    }
}

impl Invocation {
    /// Any name, and these arguments.
    #[must_use]
    pub fn of_arguments(args: Vec<Word>) -> Self {
        Self { names: None, subcommand: None, args }
    }

    /// The number of characters that it stands for, braces multiplied out.
    ///
    /// # Errors
    /// Where braces stand for more than [`glob::ALTERNATIVES`] lists.
    pub fn pieces(&self) -> Result<usize, WordError> {
        let bytes = |words: &[Word]| words.iter().map(|word| word.expanded.len() + 1).sum::<usize>();
        let lists = count(&self.args)?;
        let Some(subcommand) = &self.subcommand else { return Ok(lists * bytes(&self.args)) };
        let (mut all, mut pieces) = (0, 0);
        for words in &subcommand.any_of {
            let these = count(words)? * lists;
            all += these;
            // The options before the first word are shared by all rules about the tool. They stand again before each
            // further word, and once more where the tool is called by its subcommand.
            let further = 2 * words.len().saturating_sub(1);
            pieces += these * (bytes(words) + bytes(&self.args) + further * subcommand.options.size());
        }
        if all > glob::ALTERNATIVES { Err(WordError::Lists) } else { Ok(pieces) }
    }
}

/// The names by which the programs of these patterns are called; `None` where one of them has any name.
#[must_use]
pub fn names_of(programs: &[Written]) -> Option<Vec<Word>> {
    let mut names: Vec<Word> = Vec::new();
    for pattern in programs.iter().flat_map(Written::all) {
        let last @ Component::One(_) = pattern.components.last()? else { return None };
        let word = Word::of_component(last);
        if names.iter().all(|known| known.expanded != word.expanded) {
            names.push(word);
        }
    }
    Some(names)
}

/// The patterns of programs that lie beside these and are called by the tool's subcommands: `git-push` beside `git`.
#[must_use]
pub fn beside(programs: &[Pattern], applet: &str, subcommand: &Subcommand) -> Vec<Pattern> {
    let first = subcommand.any_of.iter().filter_map(|words| words.first());
    let names: Vec<Component> = first
        .flat_map(|word| &word.alternatives)
        .filter_map(|component| component.after_literal(applet.as_bytes()))
        .collect();
    let mut found = Vec::new();
    for program in programs {
        let Some((_, folder)) = program.components.split_last() else { continue };
        for name in &names {
            let pattern = Pattern { components: folder.iter().chain([name]).cloned().collect() };
            if !found.contains(&pattern) {
                found.push(pattern);
            }
        }
    }
    found
}
