//! Editing JSON without touching what is not ours: order, spaces and comments stay.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::Value;

use super::Fault;
use super::entries::{entries, is_own, version};
use crate::assistant::Assistant;

/// The file with our hooks in it, or without them. `None`: nothing remains of it.
///
/// # Errors
/// Where the text is no JSON, or its hooks have another form.
pub fn edit(
    assistant: Assistant,
    text: Option<&str>,
    program: &str,
    remove: bool,
) -> Result<Option<String>, Fault> {
    let Some(text) = text else {
        return Ok((!remove).then(|| fresh(assistant, program)));
    };
    let options = ParseOptions {
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        ..ParseOptions::default()
    };
    let root = CstRootNode::parse(text, &options).map_err(|error| Fault {
        line: error.line_display(),
        column: error.column_display(),
        message: format!("{}: help the file first; nothing was changed", error.kind()),
    })?;
    let (top, hooks) = checked(&root, text)?;
    let wanted = if remove { Vec::new() } else { entries(assistant, program) };
    let mut changed = false;
    if let Some(hooks) = &hooks {
        for event in hooks.properties() {
            let Some(list) = event.array_value() else { continue };
            let name = event.decoded_name();
            let keep =
                wanted.iter().find(|(event, _)| name.as_deref() == Some(*event)).map(|(_, entry)| entry);
            let taken = take(assistant, &list, keep);
            changed |= taken;
            if taken && list.elements().is_empty() {
                event.remove();
            }
        }
    }
    let hooks = match (hooks, remove) {
        (Some(hooks), _) => Some(hooks),
        (None, true) => None,
        (None, false) => Some(top.object_value_or_set("hooks")),
    };
    if let Some(hooks) = &hooks {
        for (event, entry) in wanted {
            let list = hooks.array_value_or_set(event);
            if !list.elements().iter().any(|element| element.to_serde_value().as_ref() == Some(&entry)) {
                list.append(input(&entry));
            }
        }
        if remove
            && changed
            && hooks.properties().is_empty()
            && let Some(hooks) = top.get("hooks")
        {
            hooks.remove();
        }
    }
    if let Some(version) = version(assistant).filter(|_| !remove && top.get("version").is_none()) {
        top.insert(0, "version", version.into());
    }
    let text = root.to_string();
    Ok(Some(text).filter(|_| !(remove && changed && is_bare(assistant, &top))))
}

/// The file's object and its hooks, with a list for each event.
fn checked(root: &CstRootNode, text: &str) -> Result<(CstObject, Option<CstObject>), Fault> {
    let fault = |node: Option<CstNode>, message: &str| {
        Fault::at(text, node.map_or(0, |node| offset(&node)), format!("{message}; nothing was changed"))
    };
    let Some(top) = root.object_value() else {
        let message = "the file holds no JSON object: write { at its beginning and } at its end";
        return Err(fault(root.value(), message));
    };
    let Some(property) = top.get("hooks") else { return Ok((top, None)) };
    let Some(hooks) = property.object_value() else {
        let message = "\"hooks\" is no JSON object: write it as { \"EVENT\": [ … ] }, or take it out";
        return Err(fault(property.value(), message));
    };
    if let Some(event) = hooks.properties().iter().find(|event| event.array_value().is_none()) {
        let name = event.decoded_name().unwrap_or_default();
        let message = format!("\"{name}\" in \"hooks\" has no list: write it as [ … ], or take it out");
        return Err(fault(event.value(), &message));
    }
    Ok((top, Some(hooks)))
}

/// Returns a node's position in the text, in bytes; valid while nothing was changed, for the tree holds all of it.
fn offset(node: &CstNode) -> usize {
    let before = |siblings: &mut dyn Iterator<Item = CstNode>| -> usize {
        siblings.map(|sibling| sibling.to_string().len()).sum()
    };
    let around: usize = node.ancestors().map(|one| before(&mut one.previous_siblings())).sum();
    before(&mut node.previous_siblings()) + around
}

/// A file of our own making.
fn fresh(assistant: Assistant, program: &str) -> String {
    let mut whole = serde_json::Map::new();
    if let Some(version) = version(assistant) {
        whole.insert("version".to_owned(), version.into());
    }
    let list = |(event, entry): (&str, Value)| (event.to_owned(), Value::from(vec![entry]));
    whole.insert(
        "hooks".to_owned(),
        Value::Object(entries(assistant, program).into_iter().map(list).collect()),
    );
    // Printing what is JSON already can't fail.
    serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
}

/// Takes our own out of an event's list, but for what is as wanted; whether anything was taken.
fn take(assistant: Assistant, list: &CstArray, keep: Option<&Value>) -> bool {
    let mut taken = false;
    for element in list.elements() {
        if element.to_serde_value().as_ref() == keep {
            continue;
        }
        let Some(object) = element.as_object() else { continue };
        let Some(inner) = object.array_value("hooks") else {
            if names_us(assistant, &object) {
                element.remove();
                taken = true;
            }
            continue;
        };
        // In a group that is somebody else's as well, only our own hook goes.
        let ours = |hook: &CstNode| hook.as_object().is_some_and(|hook| names_us(assistant, &hook));
        let (own, others): (Vec<_>, Vec<_>) = inner.elements().into_iter().partition(ours);
        taken |= !own.is_empty();
        if others.is_empty() && !own.is_empty() {
            element.remove();
        } else {
            own.into_iter().for_each(CstNode::remove);
        }
    }
    taken
}

fn names_us(assistant: Assistant, hook: &CstObject) -> bool {
    ["command", "bash"].iter().any(|key| {
        let value =
            hook.get(key).and_then(|property| property.value()).and_then(|value| value.to_serde_value());
        value.as_ref().and_then(Value::as_str).is_some_and(|command| is_own(assistant, command))
    })
}

/// Whether nothing is left that says anything, comments included.
fn is_bare(assistant: Assistant, top: &CstObject) -> bool {
    let mut properties = top.properties().into_iter();
    let only_version = properties.all(|property| {
        version(assistant).is_some() && property.decoded_name().as_deref() == Some("version")
    });
    only_version && !top.children().iter().any(CstNode::is_comment)
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(list) => CstInputValue::Array(list.iter().map(input).collect()),
        Value::Object(map) => {
            CstInputValue::Object(map.iter().map(|(key, value)| (key.clone(), input(value))).collect())
        }
    }
}
