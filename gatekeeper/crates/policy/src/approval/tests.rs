//! Tests of terms: read, combined, reached.

use std::path::PathBuf;
use std::time::Duration;

use super::{Approver, Check, Terms};
use crate::document::Document;
use crate::error::PolicyError;
use crate::source::Source;

fn terms(text: &str) -> Result<Terms, PolicyError> {
    terms_from(Some("/etc/gatekeeper/policies/t.toml".into()), text)
}

fn terms_from(path: Option<PathBuf>, text: &str) -> Result<Terms, PolicyError> {
    let source = Source::new("t", path, format!("version = 1\n[approval]\n{text}\n"));
    let document = Document::parse(&source)?;
    Terms::of_table(&source, &document.approval)
}

#[test]
fn a_table_is_read_whole() {
    let read = terms(
        "timeout = '90s'\nquorum = 2\napprovers = ['group:wheel', 'user:alice']\nseparation = true\n\
         check = ['hash', 'command:/usr/bin/env']\nper_minute = 5",
    )
    .unwrap();
    assert_eq!((read.wait(), read.needed(), read.rate()), (Duration::from_secs(90), 2, 5));
    assert_eq!(read.approvers.unwrap(), [Approver::Group("wheel".into()), Approver::User("alice".into())]);
    assert_eq!(read.checks.unwrap()[1], Check::Command("/usr/bin/env".into()));
}

#[test]
fn bad_values_are_refused_with_their_line() {
    for (text, part) in [
        ("timeout = 'soon'", "no length of time"),
        ("timeout = '0s'", "can't wait"),
        ("timeout = '8days'", "can't wait"),
        ("quorum = 0", "out of range"),
        ("approvers = ['wheel']", "nobody who could approve"),
        ("approvers = []", "empty list"),
        ("check = ['command:ticket']", "no check"),
        ("check = ['command:/no/such/check']", "No such file"),
        ("check = ['command:/tmp']", "can be changed by others than root"),
    ] {
        let error = terms(text).expect_err(text);
        assert!(error.problem.contains(part), "{error}");
        assert_eq!(error.line, 3, "{error}");
    }
}

#[test]
fn a_users_own_policy_runs_nothing() {
    let error = terms_from(None, "check = ['hash', 'command:/usr/bin/env']").unwrap_err();
    assert!(error.problem.contains("of a user's own"), "{error}");
    assert!(terms_from(None, "check = ['hash']").is_ok());
}

#[test]
fn a_rule_overrides_its_policy_and_a_child_only_adds_to_its_parent() {
    let (parent, child) =
        (terms("timeout = '1m'\nquorum = 2").unwrap(), terms("timeout = '5m'\ncheck = ['hash']").unwrap());
    assert_eq!((parent.and(&child).wait().as_secs(), parent.and(&child).needed()), (60, 2));
    let command = terms("check = ['command:/usr/bin/env', 'hash']").unwrap();
    assert_eq!(
        parent.and(&child).and(&command).checks.unwrap(),
        [Check::Hash, Check::Command("/usr/bin/env".into())]
    );
    let rule = Terms { timeout: Some(7), ..Terms::default() };
    assert_eq!((rule.or(&parent).wait().as_secs(), rule.or(&parent).needed()), (7, 2));
}

#[test]
fn who_decides_is_in_every_list() {
    let named = |name: &str| terms(&format!("approvers = ['user:{name}']")).unwrap();
    let (alice, bob) = (named("alice"), named("bob"));
    let both = alice.and(&bob).and(&alice).and(&Terms::default());
    let lists: Vec<_> = both.lists().map(<[_]>::to_vec).collect();
    assert_eq!(lists, [[Approver::User("alice".into())], [Approver::User("bob".into())]]);
    assert_eq!(Terms::default().and(&alice), alice);
    assert!(both.covers(&alice) && both.covers(&bob) && !alice.covers(&both) && !alice.covers(&bob));
    let two = terms("quorum = 2\nseparation = true").unwrap();
    assert!(two.covers(&Terms::default()) && !Terms::default().covers(&two));
}

#[test]
fn checks_of_one_do_not_decide_for_another() {
    let (plain, hash) = (Terms::default(), terms("check = ['hash']").unwrap());
    assert!(plain.combined_with(&hash).people_required && hash.combined_with(&plain).people_required);
    assert!(plain.extended_by(&hash).people_required && !hash.extended_by(&plain).people_required);
    assert!(!hash.combined_with(&hash).people_required);
    assert_eq!(plain.combined_with(&hash).checks.unwrap(), [Check::Hash]);
}

#[test]
fn terms_stored_before_an_upgrade_are_read() {
    let stored = r#"{"quorum":2,"checks":["hash"],"people":true}"#;
    let read: Terms = serde_json::from_str(stored).unwrap();
    assert_eq!((read.needed(), read.people_required), (2, true));
    let endless: Terms = serde_json::from_str(r#"{"timeout":18446744073709551615}"#).unwrap();
    assert_eq!(endless.wait(), Duration::from_hours(7 * 24));
    let again = serde_json::to_string(&read).unwrap();
    assert_eq!(again, r#"{"quorum":2,"checks":["hash"],"people_required":true}"#);
}

#[test]
fn a_quorum_out_of_reach_is_found() {
    for (text, part) in [
        ("", None),
        ("approvers = ['user:alice']", None),
        ("quorum = 2\napprovers = ['user:alice', 'user:bob']", None),
        ("quorum = 3\napprovers = ['user:alice', 'group:wheel']", None),
        ("quorum = 2\napprovers = ['user:alice', 'user:alice']", Some("without root")),
        ("quorum = 2", Some("without root")),
        ("approvers = ['user:root']", Some("without root")),
        ("quorum = 3", Some("never")),
        ("quorum = 3\napprovers = ['user:alice', 'user:root']", Some("never")),
    ] {
        let found = terms(text).unwrap().too_few();
        assert_eq!(found.is_some(), part.is_some(), "{text}: {found:?}");
        assert!(part.is_none_or(|part| found.unwrap().contains(part)), "{text}");
    }
    let named = |name: &str| terms(&format!("approvers = ['user:{name}', 'user:x']\nquorum = 2")).unwrap();
    assert!(named("alice").and(&named("bob")).too_few().is_some(), "only one is in both lists");
    let group = terms("approvers = ['group:wheel']\nquorum = 3").unwrap();
    assert!(named("alice").and(&group).too_few().is_some(), "no group adds to who is named");
}
