//! The stored form is what the schema says, is canonical, and loses nothing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::samples::{denial, machine, record};
use super::write::{Link, Place};
use super::{Line, VERSION};
use crate::audit::log::seal::seal;
use crate::audit::record::Record;

/// An extract of the released schema: the classes used here and the objects in them, with what the
/// profiles add.
const SCHEMA: &str = include_str!("schema-1.9.0.json");

#[derive(Deserialize)]
struct Schema {
    classes: BTreeMap<String, Shape>,
    objects: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
struct Shape {
    attributes: BTreeMap<String, Attribute>,
    at_least_one: Vec<String>,
    #[serde(default)]
    category: Option<u64>,
}

#[derive(Deserialize)]
struct Attribute {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    array: bool,
    #[serde(default)]
    required: bool,
    #[serde(default, rename = "enum")]
    among: Vec<Value>,
}

impl Schema {
    fn check(&self, shape: &Shape, value: &Value, at: &str) -> Result<(), String> {
        let object = value.as_object().ok_or(format!("{at} is no object"))?;
        for (name, attribute) in &shape.attributes {
            if attribute.required && !object.contains_key(name) {
                return Err(format!("{at}.{name} is missing"));
            }
        }
        if !shape.at_least_one.is_empty() && !shape.at_least_one.iter().any(|name| object.contains_key(name))
        {
            return Err(format!("{at} has none of {:?}", shape.at_least_one));
        }
        for (name, found) in object {
            let at = format!("{at}.{name}");
            let attribute = shape.attributes.get(name).ok_or(format!("{at} is not in the schema"))?;
            match found.as_array() {
                Some(list) if attribute.array => {
                    list.iter().try_for_each(|one| self.check_one(attribute, one, &at))?;
                }
                None if !attribute.array => self.check_one(attribute, found, &at)?,
                _ => return Err(format!("{at}: list or not")),
            }
        }
        Ok(())
    }

    fn check_one(&self, attribute: &Attribute, value: &Value, at: &str) -> Result<(), String> {
        let kind = attribute.kind.as_deref().unwrap_or_default();
        let fits = match kind {
            "integer_t" | "long_t" | "timestamp_t" | "port_t" => value.is_i64() || value.is_u64(),
            "boolean_t" => value.is_boolean(),
            "object" => value.is_object(),
            kind if kind.ends_with("_t") => value.is_string(),
            kind => {
                let shape = self.objects.get(kind).ok_or(format!("{at}: {kind} is not in the extract"))?;
                return self.check(shape, value, at);
            }
        };
        if !fits {
            return Err(format!("{at} is no {kind}: {value}"));
        }
        if attribute.among.is_empty() || attribute.among.contains(value) {
            Ok(())
        } else {
            Err(format!("{at}: {value} is none of {:?}", attribute.among))
        }
    }
}

fn place(index: u64) -> Place {
    let before = Link { type_uid: 100_102, fingerprint: "ab".repeat(32) };
    Place { index, before: (index > 0).then_some(before) }
}

fn written(record: &Record, index: u64) -> String {
    let mut bytes = Vec::new();
    seal(record, &machine(), &place(index), &mut Vec::new(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn fits_the_schema(line: &str) -> Result<(), String> {
    static READ: LazyLock<Schema> = LazyLock::new(|| serde_json::from_str(SCHEMA).unwrap());
    let schema = &*READ;
    let value: Value = serde_json::from_str(line).unwrap();
    let class = value["class_uid"].to_string();
    let shape = schema.classes.get(&class).ok_or(format!("class {class}"))?;
    schema.check(shape, &value, "")?;
    let (class, activity) = (value["class_uid"].as_u64().unwrap(), value["activity_id"].as_u64().unwrap());
    let sums =
        value["type_uid"] == class * 100 + activity && value["category_uid"].as_u64() == shape.category;
    if sums { Ok(()) } else { Err("type_uid or category_uid".into()) }
}

#[test]
fn a_denied_read_as_others_see_it() {
    let value: Value = serde_json::from_str(&written(&denial(9), 5)).unwrap();
    assert_eq!(value["metadata"]["version"], VERSION);
    assert_eq!((&value["class_uid"], &value["type_uid"]), (&1001.into(), &100_102.into()));
    assert_eq!(value["file"]["path"], "/home/dev/app/secret-9");
    assert_eq!((&value["action"], &value["disposition"]), (&"Denied".into(), &"Blocked".into()));
    assert_eq!(value["actor"]["process"]["file"]["path"], "/usr/bin/cat");
    assert_eq!(value["actor"]["process"]["ancestry"][0]["path"], "/usr/bin/bash");
    assert_eq!(value["ai_agent"]["name"], "claude");
    assert_eq!(value["firewall_rule"]["uid"], "no-secrets");
    assert_eq!(value["metadata"]["sequence"], 5);
    assert_eq!(value["is_alert"], true);
    assert_eq!(value["attestation_list"][0]["prev_event"]["uid"], "4");
}

#[test]
fn the_check_against_the_schema_checks() {
    let line = written(&denial(9), 5);
    assert_eq!(fits_the_schema(&line), Ok(()));
    for (what, instead) in [
        (r#""file":{"#, r#""fyle":{"#),
        (r#""severity_id":4"#, r#""severity_id":44"#),
        (r#""pid":300"#, r#""pid":"300""#),
        (r#""category_uid":1"#, r#""category_uid":4"#),
    ] {
        assert!(line.contains(what), "{what}");
        assert!(fits_the_schema(&line.replace(what, instead)).is_err(), "{instead}");
    }
}

proptest! {
    #[test]
    fn every_record_fits_the_schema(record in record(), index in 0u64..9) {
        prop_assert_eq!(fits_the_schema(&written(&record, index)), Ok(()));
    }

    /// serde_json writes a `Value` with its keys sorted; text and whole numbers it writes as RFC 8785 says.
    #[test]
    fn what_is_written_is_canonical(record in record(), index in 0u64..9) {
        let line = written(&record, index);
        let value: Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(value.to_string(), line);
    }

    #[test]
    fn there_and_back(record in record(), index in 0u64..9) {
        let line: Line = serde_json::from_str(&written(&record, index)).unwrap();
        prop_assert_eq!(line.record().unwrap(), record);
    }
}
