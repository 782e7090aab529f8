//! Editing TOML without touching what is not ours.

use serde_json::Value;
use toml_edit::{ArrayOfTables, Document, Item, Table};

use super::Fault;
use super::entries::{entries, is_own};
use crate::assistant::Assistant;

/// The file with our hooks in it, or without them. `None`: nothing remains of it.
///
/// # Errors
/// Where the text is no TOML, or its hooks have another form.
pub fn edit(
    assistant: Assistant,
    text: Option<&str>,
    program: &str,
    remove: bool,
) -> Result<Option<String>, Fault> {
    let before = text.unwrap_or_default();
    let parsed = Document::parse(before).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Fault::at(before, at, format!("{}: help the file first; nothing was changed", error.message()))
    })?;
    let wanted = if remove { Vec::new() } else { entries(assistant, program) };
    // Only before anything is changed it is known where what stands.
    let fault = |name: &str, how: &str| {
        let at =
            parsed.get("hooks").and_then(|hooks| if name == "hooks" { Some(hooks) } else { hooks.get(name) });
        let at = at.and_then(Item::span).map_or(0, |span| span.start);
        Fault::at(before, at, format!("{how}, or take it out; nothing was changed"))
    };
    if let Some(hooks) = parsed.get("hooks") {
        let table = hooks.as_table();
        let table = table.ok_or_else(|| fault("hooks", "\"hooks\" is no table: write it as [hooks]"))?;
        for (event, _) in &wanted {
            if table.get(event).is_some_and(|list| !list.is_array_of_tables()) {
                return Err(fault(
                    event,
                    &format!("hooks.{event} has no list of tables: write it as [[hooks.{event}]]"),
                ));
            }
        }
    }
    let mut document = parsed.into_mut();
    let unusable = || {
        Fault::at(before, 0, "[hooks] can't be edited: help the file first; nothing was changed".to_owned())
    };
    let had = document.contains_key("hooks");
    let hooks = document.entry("hooks").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let hooks = hooks.as_table_mut().ok_or_else(unusable)?;
    let names: Vec<String> = hooks.iter().map(|(name, _)| name.to_owned()).collect();
    let mut taken = false;
    for name in names {
        let keep = wanted.iter().find(|(event, _)| *event == name).map(|(_, entry)| entry);
        let Some(list) = hooks.get_mut(&name).and_then(Item::as_array_of_tables_mut) else { continue };
        let before = list.len();
        list.retain(|group| Some(&value(group)) == keep || !is_ours(assistant, group));
        taken |= list.len() < before;
        if list.is_empty() {
            hooks.remove(&name);
        }
    }
    for (event, entry) in wanted {
        let list = hooks.entry(event).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let list = list.as_array_of_tables_mut().ok_or_else(unusable)?;
        if !list.iter().any(|group| value(group) == entry) {
            list.push(table(&entry));
        }
    }
    if hooks.is_empty() && (taken || !had) {
        document.remove("hooks");
    }
    let after = document.to_string();
    if remove && taken && after.trim().is_empty() || text.is_none() && remove {
        return Ok(None);
    }
    Ok(Some(after))
}

/// Whether all of a group's hooks are ours.
fn is_ours(assistant: Assistant, group: &Table) -> bool {
    let Some(hooks) = group.get("hooks").and_then(Item::as_array_of_tables) else { return false };
    let ours = |hook: &Table| {
        let command = hook.get("command").and_then(Item::as_str);
        command.is_some_and(|command| is_own(assistant, command))
    };
    !hooks.is_empty() && hooks.iter().all(ours)
}

/// A group as [`entries`] has it.
fn value(group: &Table) -> Value {
    let parts = group.iter().map(|(key, item)| (key.to_owned(), plain(item)));
    Value::Object(parts.collect())
}

fn plain(item: &Item) -> Value {
    match item {
        Item::ArrayOfTables(list) => list.iter().map(value).collect(),
        Item::Table(table) => value(table),
        Item::Value(toml_edit::Value::String(text)) => text.value().as_str().into(),
        Item::Value(toml_edit::Value::Integer(number)) => (*number.value()).into(),
        Item::Value(toml_edit::Value::Boolean(value)) => (*value.value()).into(),
        _ => Value::Null,
    }
}

fn table(entry: &Value) -> Table {
    let mut table = Table::new();
    // What is simple stands before what is not, or it would fall into that.
    let parts = || entry.as_object().into_iter().flatten();
    for (key, value) in parts().filter(|(_, value)| !value.is_array()) {
        let item = match value {
            Value::String(text) => toml_edit::value(text.as_str()),
            Value::Number(number) => toml_edit::value(number.as_i64().unwrap_or_default()),
            Value::Bool(value) => toml_edit::value(*value),
            _ => continue,
        };
        table.insert(key, item);
    }
    for (key, value) in parts() {
        if let Value::Array(list) = value {
            let tables: ArrayOfTables = list.iter().map(self::table).collect();
            table.insert(key, Item::ArrayOfTables(tables));
        }
    }
    table
}
