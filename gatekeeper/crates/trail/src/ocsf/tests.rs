//! The stored form is what the schema says, is canonical, and loses nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use gatekeeper_common::verdict::{Cause, Verdict};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::samples::{denial, machine, record};
use super::{LOG_VERSION, Line, VERSION};
use super::{Link, Place};
use crate::log::seal::seal;
use gatekeeper_record::assistant::Assistant;
use gatekeeper_record::container::Container;
use gatekeeper_record::decision::{DecidedBy, Decision, GrantScope, HoldId, Person};
use gatekeeper_record::hook_report::{HookReport, ReportKind};
use gatekeeper_record::record::{AssistantReport, Event, Record};
use gatekeeper_record::session_id::SessionId;

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
    String::from_utf8(seal(record, &machine(), &place(index)).unwrap().0).unwrap()
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
    assert_eq!(value["metadata"]["log_version"], LOG_VERSION);
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
fn a_record_without_the_version_of_its_form_is_read_and_one_of_a_later_form_is_not() {
    let record = denial(9);
    let line = written(&record, 5);
    let (now, later) = (r#""log_version":"2","#, r#""log_version":"3","#);
    assert!(line.contains(now), "{line}");
    let read = |line: &str| serde_json::from_str::<Line>(line).unwrap().record().map_err(|e| e.to_string());
    assert_eq!(read(&line), Ok(record.clone()));
    assert_eq!(read(&line.replace(now, "")), Ok(record));
    let error = read(&line.replace(now, later)).unwrap_err();
    assert!(error.starts_with("record 5 has no log_version that is known here"), "{error}");
}

#[test]
fn a_container_is_named_where_there_is_one() {
    let Record::Event(mut event) = denial(9) else { panic!("no event") };
    let value = |event: &Event| -> Value {
        let line = written(&Record::Event(Box::new(event.clone())), 5);
        assert_eq!(fits_the_schema(&line), Ok(()));
        serde_json::from_str(&line).unwrap()
    };
    let profile =
        |value: &Value| value["metadata"]["profiles"].as_array().unwrap().contains(&"container".into());
    let none = value(&event);
    assert!(!profile(&none) && none["actor"]["process"]["container"].is_null());
    let pod = "9f2c1e0a-5b7d-4c1e-8a2f-0123456789ab";
    let path = format!("/kubepods/pod{pod}/crio-{}.scope", "a1".repeat(32));
    event.container = Container::of(Path::new(&path));
    let some = value(&event);
    assert!(profile(&some));
    let shown = serde_json::json!({"pod_uuid": pod, "runtime": "cri-o", "uid": "a1".repeat(32)});
    assert_eq!(some["actor"]["process"]["container"], shown);
}

#[test]
fn a_decision_tells_of_what_was_asked() {
    let Record::Event(mut event) = denial(9) else { panic!("no event") };
    (event.verdict, event.cause, event.hold) = (Verdict::Ask, Cause::Held, HoldId::from_kernel(9));
    let person = Person { name: "ann".into(), program: "gatekeeper".into(), terminal: None, uid: 1001 };
    let decision = |about| {
        Record::Decision(Box::new(Decision {
            event: about,
            approved: false,
            summary: "read ./secret-9".into(),
            decided_by: DecidedBy::Person(person.clone()),
            checks: Vec::new(),
            hold: HoldId::from_kernel(9).unwrap(),
            owner: event.owner,
            reason: Some("not today".into()),
            scope: GrantScope::default(),
            session: event.session,
            session_name: event.session_name.clone(),
            is_final: true,
            time: event.time,
        }))
    };
    let whole = decision(Some(event.clone()));
    let line = written(&whole, 5);
    assert_eq!(fits_the_schema(&line), Ok(()));
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["actor"]["user"]["name"], "ann");
    assert_eq!((&value["action"], &value["status_code"]), (&"Denied".into(), &"denied".into()));
    assert_eq!(value["status_detail"], "not today");
    assert_eq!(value["ai_agent"]["uid"], "/usr/bin/claude");
    assert_eq!(
        (&value["policy"]["name"], &value["policy"]["version"]),
        (&"coding-assistant".into(), &"2".into())
    );
    assert_eq!(value["firewall_rule"]["uid"], "no-secrets");
    let unmapped = &value["unmapped"];
    assert_eq!(
        (&unmapped["purpose"], &unmapped["hold_reason"]),
        (&"help the build".into(), &"secrets stay here".into())
    );
    assert_eq!((&unmapped["operation"], &unmapped["verdict"]), (&"read".into(), &"ask".into()));
    assert_eq!(unmapped["file"]["path"], "/home/dev/app/secret-9");
    assert_eq!((&unmapped["hold"], &unmapped["event"]), (&9.into(), &9.into()));
    let process = &unmapped["process"];
    assert_eq!((&process["uid"], &process["cmd_line"]), (&"300-4000000000".into(), &"cat secret".into()));
    assert_eq!((&process["file"]["uid"], &process["user"]["uid"]), (&"8388609:42".into(), &"1000".into()));
    assert_eq!(process["ancestry"][0]["path"], "/usr/bin/bash");
    // As earlier versions wrote it.
    let bare = decision(None);
    let line = written(&bare, 5);
    assert!(!line.contains("\"process\"") && !line.contains("\"hold_reason\""), "{line}");
    assert_eq!(serde_json::from_str::<Line>(&line).unwrap().record().unwrap(), bare);
}

#[test]
fn a_report_carries_purpose_and_policy() {
    let report = |purpose: Option<&str>, generation| {
        Record::AssistantReport(Box::new(AssistantReport {
            time: gatekeeper_record::time::Moment::from_micros(1_800_000_000_000_000),
            boot_time: 7,
            session: SessionId::from_kernel(77).unwrap(),
            session_name: None,
            owner: 1000,
            purpose: purpose.map(Into::into),
            policy: Some("coding-assistant".into()),
            generation,
            tool_call_id: None,
            predicted_denial: None,
            reported_by: Vec::new(),
            dropped: 0,
            report: HookReport::of(Assistant::Codex, ReportKind::Prompt, "x"),
        }))
    };
    let line = written(&report(Some("help the build"), Some(2)), 5);
    assert_eq!(fits_the_schema(&line), Ok(()));
    let value: Value = serde_json::from_str(&line).unwrap();
    // Where an operation's record has them.
    let policy = serde_json::json!({"name": "coding-assistant", "version": "2"});
    let unmapped = &value["unmapped"];
    assert_eq!(value["policy"], policy);
    assert_eq!((&unmapped["purpose"], &unmapped["generation"]), (&"help the build".into(), &2.into()));
    // As earlier versions wrote it, of what was refused.
    let line = written(&report(None, None), 5);
    assert!(line.contains(r#""policy":{"name":"coding-assistant","version":""}"#), "{line}");
    assert!(!line.contains("generation") && !line.contains("purpose"), "{line}");
    assert_eq!(serde_json::from_str::<Line>(&line).unwrap().record().unwrap(), report(None, None));
    let line = line.replace(r#""policy":{"name":"coding-assistant","version":""},"#, "");
    let Ok(Record::AssistantReport(read)) = serde_json::from_str::<Line>(&line).unwrap().record() else {
        panic!("not read: {line}")
    };
    assert_eq!(read.policy, None);
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
