//! `[tools.NAME]`: programs whose subcommands rules name.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::invocation::Options;
use super::reader::{List, Reader, Unlinked};
use crate::document::ToolTable;
use crate::error::PolicyError;
use crate::pattern::word::Kind;
use crate::source::Source;

/// Characters with which an option begins.
const SIGNS: &[char] = &['-', '+'];
/// Bytes of one option, at most: reading a tree of them recurses.
const LONGEST: usize = 128;
/// Bytes of all options of one tool, at most: each rule needs a node for each.
const OPTION_BYTES: usize = 8 << 10;

/// A tool, read.
#[derive(Debug)]
pub struct Tool {
    /// Its programs, before links are followed.
    pub programs: Vec<Unlinked>,
    /// Its options.
    pub options: Arc<Options>,
    /// The file that describes it.
    file: String,
}

/// The tools of the documents read so far, by name.
#[derive(Debug, Default)]
pub struct Tools(BTreeMap<String, Tool>);

impl Tools {
    /// Adds the tools of a document.
    ///
    /// # Errors
    /// Where one can't be read, or is described already.
    pub fn add(
        &mut self,
        reader: &mut Reader<'_, '_>,
        tables: &BTreeMap<Spanned<String>, Spanned<ToolTable>>,
    ) -> Result<(), PolicyError> {
        for (name, table) in tables {
            let source = reader.source;
            check_name(source, name)?;
            if let Some(other) = self.0.get(name.get_ref()) {
                return Err(source.error(
                    name.span(),
                    format!("tool `{}` is described already, in {}", name.get_ref(), other.file),
                    "give one of them another name, or remove it",
                ));
            }
            let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
            let tool = read(reader, name.get_ref(), table.get_ref(), number)?;
            self.0.insert(name.get_ref().clone(), tool);
        }
        Ok(())
    }

    /// The tool that a rule names.
    ///
    /// # Errors
    /// Where no document read so far describes it.
    pub fn get(&self, source: &Source, name: &Spanned<String>) -> Result<&Tool, PolicyError> {
        self.0.get(name.get_ref()).ok_or_else(|| {
            let word = name.get_ref();
            let problem = format!("tool `{word}` is described nowhere");
            let help = format!(
                "add `extends = [\"tools/{word}\"]` where gatekeeper has a description, or write `[tools.{word}]`"
            );
            source.error(name.span(), problem, help)
        })
    }
}

fn check_name(source: &Source, name: &Spanned<String>) -> Result<(), PolicyError> {
    let word = name.get_ref();
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Ok(());
    }
    let problem = format!("`{word}` can't be the name of a tool");
    Err(source.error(name.span(), problem, "use letters, digits, `-`, `_` and `.`"))
}

fn read(
    reader: &mut Reader<'_, '_>,
    name: &str,
    table: &ToolTable,
    number: u32,
) -> Result<Tool, PolicyError> {
    let source = reader.source;
    let programs = reader.unlinked(&table.program, "program")?;
    let flags = options(source, table.flags.as_ref(), true)?;
    let with_value = options(source, table.with_value.as_ref(), false)?;
    let flag_values = match &table.flag_values {
        Some(list) => reader.words(list, Kind::FlagValue)?,
        None => Vec::new(),
    };
    if let Some((twice, span)) =
        with_value.iter().find(|(word, _)| flags.iter().any(|(flag, _)| flag == word))
    {
        return Err(source.error(
            span.clone(),
            format!("`{twice}` is among `flags` and `with_value` at once"),
            "leave it in the list that is right: only one of them takes the next argument for a value",
        ));
    }
    let applet = table.applet.as_ref().map(|applet| check_applet(source, applet)).transpose()?;
    let texts = |list: Vec<(String, Range<usize>)>| list.into_iter().map(|(word, _)| word).collect();
    let options = Options {
        number,
        tool: name.to_owned(),
        flags: texts(flags),
        flag_values,
        with_value: texts(with_value),
        applet,
    };
    if options.size() > OPTION_BYTES {
        let problem = format!("the options of `{name}` have more than {OPTION_BYTES} characters");
        return Err(source.error(table.program.span(), problem, "leave out those that nobody uses"));
    }
    reader.count(table.program.span(), options.size())?;
    Ok(Tool { programs, options: Arc::new(options), file: source.name.clone() })
}

/// The options of a list, each with its place.
fn options(
    source: &Source,
    list: Option<&List>,
    starred: bool,
) -> Result<Vec<(String, Range<usize>)>, PolicyError> {
    let Some(list) = list else { return Ok(Vec::new()) };
    let mut options = Vec::new();
    for option in list.get_ref() {
        let word = option.get_ref().as_str();
        let plain = if starred { word.strip_suffix('*').unwrap_or(word) } else { word };
        let begins = plain.strip_prefix(SIGNS).is_some_and(|rest| starred || !rest.is_empty());
        if !begins || plain.contains(['*', '\0']) || plain.len() > LONGEST {
            let (shape, help) = if starred {
                ("a literal, with at most one `*` at its end", "write it as `--verbose` or `--git-dir=*`")
            } else {
                ("a literal", "write it as `--git-dir`; with `=` it belongs to `flags`")
            };
            let problem = format!(
                "`{word}` is no option: one begins with `-` or `+`, has at most {LONGEST} bytes, and is {shape}"
            );
            return Err(source.error(option.span(), problem, help));
        }
        options.push((word.to_owned(), option.span()));
    }
    Ok(options)
}

fn check_applet(source: &Source, applet: &Spanned<String>) -> Result<String, PolicyError> {
    let word = applet.get_ref();
    if !word.starts_with(SIGNS) && !word.contains(['/', '\0', '*']) {
        return Ok(word.clone());
    }
    let problem = format!("`{word}` is no beginning of a program's name");
    Err(source.error(applet.span(), problem, "write it as `git-`, or leave it out"))
}
