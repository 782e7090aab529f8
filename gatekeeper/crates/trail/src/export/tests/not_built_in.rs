//! A build without exports to a collector.

use super::*;
use crate::export::setting::{Table, Url, check};

#[derive(serde::Deserialize)]
struct Document {
    export: Vec<toml::Spanned<Table>>,
}

#[test]
fn a_collector_is_refused_by_the_name_of_its_feature() {
    let text = "[[export]]\nname = 'a'\nkind = 'otlp'\nurl = 'http://collector/'\n";
    let document: Document = toml::from_str(text).unwrap();
    let fault = check(document.export).unwrap_err();
    assert_eq!(&text[fault.0], "'otlp'");
    assert!(fault.1.contains("\n  help: ") && fault.1.contains("`export-otlp`"), "{}", fault.1);
}

#[test]
fn a_collector_that_came_past_the_configuration_does_not_start() {
    let trail = Trail::new();
    let export = Export {
        name: "x".into(),
        target: Target::Otlp(Url { url: "http://collector/".into(), ca: None, token: None }),
        batch: 50,
        timeout: Duration::from_secs(2),
        since: Since::Beginning,
    };
    let error = Exports::start(&[export], trail.path(), trail.writer().health()).unwrap_err();
    assert!(error.to_string().contains("`export-otlp`"), "{error}");
}
