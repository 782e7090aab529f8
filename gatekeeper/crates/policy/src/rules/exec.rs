//! `[[exec]]`: programs, and what they are given.

use std::ops::Range;
use std::sync::Arc;

use gatekeeper_common::operation::Operation;
use toml::Spanned;

use super::invocation::{Invocation, Subcommand, beside, names_of};
use super::reader::{List, Reader};
use super::rule::{Subject, Written};
use super::tool::{Tool, Tools};
use crate::document::ExecRule;
use crate::error::PolicyError;
use crate::pattern::word::{Kind, Word, may_be_both};
use crate::pattern::{Component, Pattern};

/// Reads the operations and the subject of a rule.
///
/// # Errors
/// Where a key of the table can't be read, or two of them contradict each other.
pub fn read(
    reader: &mut Reader<'_, '_>,
    tools: &Tools,
    rule: &ExecRule,
    place: Range<usize>,
) -> Result<(u32, Subject), PolicyError> {
    check_keys(reader, rule, place.clone())?;
    let subject = match (&rule.program, &rule.tool) {
        (Some(program), None) => {
            let mut programs = reader.paths(program, "program", rule.verdict)?;
            // A file that does other work by another name is not forbidden as a whole.
            if rule.verdict.forbids() && (rule.args.is_some() || rule.name.is_some()) {
                reader.add_hard_links(&mut programs);
            }
            match invocation(reader, rule, &programs)? {
                Some(invocation) => Subject::Arguments(programs, invocation),
                None => environment(reader, rule, programs)?,
            }
        }
        (None, Some(name)) => {
            let tool = tools.get(reader.source, name)?;
            if let Some(list) = &rule.subcommand {
                of_subcommand(reader, rule, tool, list)?
            } else {
                let programs = of_tool(reader, rule, tool);
                environment(reader, rule, programs)?
            }
        }
        _ => {
            let problem = "a rule about programs needs either `program` or `tool`";
            return Err(reader.source.error(
                place,
                problem,
                "name the programs, or a tool that is described",
            ));
        }
    };
    // A rule that forbids a start forbids it however it is done.
    let setuid = if rule.setuid || rule.verdict.forbids() { Operation::Setuid.bit() } else { 0 };
    Ok((Operation::Exec.bit() | setuid, subject))
}

/// Checks that no key contradicts another.
fn check_keys(reader: &Reader<'_, '_>, rule: &ExecRule, place: Range<usize>) -> Result<(), PolicyError> {
    let source = reader.source;
    if let Some(env) = &rule.env {
        for (key, given) in [
            ("args", rule.args.is_some()),
            ("name", rule.name.is_some()),
            ("subcommand", rule.subcommand.is_some()),
        ] {
            if given {
                let problem = format!(
                    "a rule can't ask for `{key}` and `env` at once: they are judged apart, and the strictest counts"
                );
                return Err(source.error(env.span(), problem, "write two rules"));
            }
        }
    }
    let of_tool = rule.tool.is_some();
    let wrong = |list: &Option<List>, problem: &str, help: &str| {
        list.as_ref().map(|list| source.error(list.span(), problem, help))
    };
    let error = if of_tool {
        let called = wrong(
            &rule.name,
            "a rule with `tool` takes the names from the tool's description",
            "remove `name`, or write `program` in place of `tool`",
        );
        let bare = rule.args.as_ref().filter(|_| rule.subcommand.is_none()).map(|args| {
            let problem = "`args` of a rule with `tool` are those behind a subcommand";
            source.error(args.span(), problem, "add `subcommand`, or write `program` in place of `tool`")
        });
        called.or(bare)
    } else {
        wrong(
            &rule.subcommand,
            "`subcommand` needs the description of a tool: which of its options take a value",
            "write `tool = \"…\"` in place of `program`",
        )
    };
    let both = rule.program.as_ref().filter(|_| of_tool).map(|_| {
        let problem = "a rule can't have `program` and `tool` at once: the description names the programs";
        source.error(place, problem, "remove one of them")
    });
    both.or(error).map_or(Ok(()), Err)
}

/// The name and arguments that a rule with `program` asks for; `None` where it takes all.
fn invocation(
    reader: &mut Reader<'_, '_>,
    rule: &ExecRule,
    programs: &[Written],
) -> Result<Option<Invocation>, PolicyError> {
    if rule.args.is_none() && rule.name.is_none() {
        return Ok(None);
    }
    let names = match &rule.name {
        Some(list) => {
            reader.source.non_empty(list, "name")?;
            Some(reader.words(list, Kind::Name)?)
        }
        None if rule.verdict.forbids() => None,
        None => names_of(programs),
    };
    let invocation = Invocation { names, subcommand: None, args: arguments(reader, rule)? };
    count(reader, rule, &invocation)?;
    Ok(Some(invocation))
}

/// The programs of a tool, as a rule means them.
fn of_tool(reader: &Reader<'_, '_>, rule: &ExecRule, tool: &Tool) -> Vec<Written> {
    let mut programs = reader.linked(tool.programs.iter(), rule.verdict);
    if rule.verdict.forbids() {
        reader.add_hard_links(&mut programs);
    }
    programs
}

/// The subject of a rule about a tool's subcommands.
fn of_subcommand(
    reader: &mut Reader<'_, '_>,
    rule: &ExecRule,
    tool: &Tool,
    list: &List,
) -> Result<Subject, PolicyError> {
    let mut any_of = Vec::new();
    for text in reader.source.non_empty(list, "subcommand")? {
        any_of.push(subcommand(reader, tool, text)?);
    }
    let subcommand = Subcommand { options: Arc::clone(&tool.options), any_of };
    let mut programs = of_tool(reader, rule, tool);
    let names = if rule.verdict.forbids() { None } else { names_of(&programs) };
    let names = names.map(|names| match tool.options.own_prefix() {
        // By a name with that beginning, the tool reads no options before its subcommand.
        Some(prefix) => names.into_iter().filter(|name| is_other_name(name, prefix)).collect(),
        None => names,
    });
    if let Some(applet) = tool.options.applet.as_deref().filter(|_| rule.verdict.forbids()) {
        // Where a subcommand is a file of its own, and no link.
        let own: Vec<Pattern> = tool.programs.iter().flat_map(|program| program.patterns.clone()).collect();
        let derived = beside(&own, applet, &subcommand);
        reader.count(list.span(), derived.iter().map(Pattern::pieces).sum())?;
        programs.extend(derived.into_iter().map(|pattern| reader.derived(pattern, rule.verdict)));
    }
    let invocation = Invocation { names, subcommand: Some(subcommand), args: arguments(reader, rule)? };
    count(reader, rule, &invocation)?;
    Ok(Subject::Arguments(programs, invocation))
}

/// Whether the pattern of a name is plain and does not begin like this.
fn is_other_name(name: &Word, prefix: &str) -> bool {
    name.alternatives.iter().all(Component::is_literal) && !name.expanded.starts_with(prefix.as_bytes())
}

/// The words of one subcommand.
fn subcommand(
    reader: &mut Reader<'_, '_>,
    tool: &Tool,
    text: &Spanned<String>,
) -> Result<Vec<Word>, PolicyError> {
    let mut words = Vec::new();
    for part in text.get_ref().split_ascii_whitespace() {
        let part = Spanned::new(text.span(), part.to_owned());
        let word = reader.word(&part, Kind::Subcommand)?;
        if let Some(value) = tool.options.flag_values.iter().find(|value| may_be_both(&word, value)) {
            let problem = format!(
                "`{}` may also stand for `{}`, which can be the value of a flag",
                word.text, value.text
            );
            return Err(reader.source.error(
                text.span(),
                problem,
                "write the subcommand with fewer wildcards",
            ));
        }
        words.push(word);
    }
    if words.is_empty() {
        return Err(reader.source.error(text.span(), "a subcommand has at least one word", "name it"));
    }
    Ok(words)
}

/// The arguments that a rule asks for; any, where it names none.
fn arguments(reader: &mut Reader<'_, '_>, rule: &ExecRule) -> Result<Vec<Word>, PolicyError> {
    if let Some(args) = &rule.args {
        return reader.words(args, Kind::Argument);
    }
    let (text, alternatives) = ("**".to_owned(), vec![Component::Deep]);
    Ok(vec![Word { expanded: text.clone().into_bytes(), text, alternatives }])
}

fn count(reader: &mut Reader<'_, '_>, rule: &ExecRule, invocation: &Invocation) -> Result<(), PolicyError> {
    let lists = [&rule.args, &rule.subcommand, &rule.name];
    let place = lists.into_iter().flatten().next().map_or(0..0, Spanned::span);
    let pieces = invocation.pieces().map_err(|error| reader.source.problem(place.clone(), &error))?;
    reader.count(place, pieces)
}

/// The subject of a rule that looks at no arguments.
fn environment(
    reader: &mut Reader<'_, '_>,
    rule: &ExecRule,
    programs: Vec<Written>,
) -> Result<Subject, PolicyError> {
    let Some(env) = &rule.env else { return Ok(Subject::Paths(programs)) };
    // Only the new program's own environment is looked at, when it can't wait any more.
    if rule.verdict == crate::document::Word::Ask {
        return Err(reader.source.error(
            env.span(),
            "a rule that looks at `env` can't ask: a start can't wait once its environment is known",
            "write `verdict = \"deny\"`, or ask about the program or its `args`",
        ));
    }
    reader.source.non_empty(env, "env")?;
    Ok(Subject::Environment(programs, reader.words(env, Kind::Variable)?))
}
