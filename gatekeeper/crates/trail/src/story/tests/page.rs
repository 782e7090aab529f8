//! Every number in the page agrees with the JSON of the same story, and a page in which one does not is found.

mod expected;
mod read;

use proptest::prelude::*;
use scraper::Html;
use serde_json::Value;

use self::expected::{
    all, class, counts, denial, entry, head, held, object, program, report, summary, title,
};
use self::read::{attribute, clock, event, last, list, select, squeeze, string, text, texts};
use super::*;
use crate::index::{Index, Query};
use crate::ocsf::samples::record;
use gatekeeper_record::safe_text::visible;

/// Everything in the page that does not say what the JSON says.
fn wrong(page: &str, story: &Value) -> Vec<String> {
    let page = Html::parse_document(page);
    let mut found = Vec::new();
    let mut same = |where_: &str, shown: Vec<String>, meant: Vec<String>| {
        if shown != meant {
            found.push(format!("{where_}: the page says {shown:?}, the JSON {meant:?}"));
        }
    };
    let refused = all(story, Event::is_refused);
    same("counts", texts(&page, ".counts li"), counts(&story["counts"]));
    same("head", texts(&page, "header dt, header dd"), head(story));
    same("title", texts(&page, "header .kind, h1"), title(story));
    let processes = list(&story["processes"]);
    let shown = &processes[..processes.len().min(60)];
    same(
        "rows",
        texts(&page, ".chart li"),
        shown
            .iter()
            .map(|one| squeeze(&format!("{} {}", visible(&last(&program(one))), one["pid"])))
            .collect(),
    );
    let mut marks = Vec::new();
    for one in shown {
        marks.extend(list(&one["events"]).iter().map(|one| {
            let event = event(one);
            let mark =
                format!("{} {} {}", clock(&one["time"]), event.operation.name(), visible(&object(&event)));
            format!("{} {}", class(&event), squeeze(&mark))
        }));
    }
    same(
        "marks",
        select(&page, "rect").map(|rect| format!("{} {}", attribute(rect, "class"), text(rect))).collect(),
        marks,
    );
    let all = all(story, |_| true);
    let ends = [all.first(), all.last()].into_iter().flatten().map(|one| string(&one["time"])).collect();
    same("ends", texts(&page, ".ends span"), ends);
    let more = (processes.len() > 60)
        .then(|| format!("The first 60 of {} processes; all are below.", processes.len()));
    let nothing = all.is_empty().then(|| "Nothing it did was recorded.".to_owned());
    same(
        "below the timeline",
        texts(&page, "#timeline p:not(.ends), main > p"),
        more.into_iter().chain(nothing).collect(),
    );
    same(
        "reports",
        texts(&page, "#reports td"),
        list(&story["assistant_reports"]).iter().flat_map(|one| report(one, &processes)).collect(),
    );
    same("held", texts(&page, "#held td"), list(&story["holds"]).iter().flat_map(held).collect());
    same("refused", texts(&page, "#refused td"), refused.iter().flat_map(denial).collect());
    same("processes", texts(&page, "#processes summary"), processes.iter().map(summary).collect());
    let events =
        processes.iter().flat_map(|one| list(&one["events"])).map(|one| entry(&one, story)).collect();
    same("events", texts(&page, "#processes li"), events);
    found
}

/// The record as one of the session.
fn ours(mut record: Record) -> Record {
    match &mut record {
        Record::Event(event) => event.session = Some(id()),
        Record::Session(change) if change.parent.is_none() => change.session = id(),
        Record::Session(change) => change.parent = Some(id()),
        Record::AssistantReport(record) => (record.session, record.dropped) = (id(), 0),
        Record::Decision(decision) => decision.session = Some(id()),
        _ => {}
    }
    record
}

fn json(story: &Story) -> Value {
    serde_json::to_value(story).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn the_page_says_what_the_json_says(records in proptest::collection::vec(record(), 0..40)) {
        let numbered: Vec<(u64, Record)> = (100..).zip(records.into_iter().map(ours)).collect();
        let story = Story::of(id(), &numbered);
        let page = page(&story);
        prop_assert_eq!(wrong(&page, &json(&story)), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_story_counts_what_stats_count(records in proptest::collection::vec(record(), 1..40)) {
        let state = tempfile::tempdir().unwrap();
        let options = crate::log::writer::Options::default();
        let mut log = crate::log::writer::Log::open(state.path(), "box", "b", options).unwrap();
        log.append(&records.into_iter().map(ours).collect::<Vec<_>>()).unwrap();
        let index = Index::open(&log.folder).unwrap();
        let all = Query { session: Some(id().to_string()), last: Some(1000), ..Query::default() };
        let lines = index.lines(&index.search(&all).unwrap()).unwrap();
        let numbered: Vec<(u64, Record)> =
            lines.iter().map(|(_, line)| (line.metadata.sequence, line.record().unwrap())).collect();
        let counts = Story::of(id(), &numbered).counts;
        let stats = index.stats(&all).unwrap();
        let refused = stats.operations.iter().filter(|one| !one.value.starts_with("tool ") && one.value.ends_with(" refused"));
        prop_assert_eq!(counts.records, stats.records);
        prop_assert_eq!(counts.refused, refused.map(|one| one.count).sum::<u64>());
    }
}

#[test]
fn more_processes_than_the_timeline_has_room_for() {
    let exec = |pid: u32| super::act(pid.into(), &[10, pid], Operation::Exec, Verdict::Allow, "/bin/true");
    let numbered: Vec<(u64, Record)> = (100..).zip((11..90).map(exec)).collect();
    let story = Story::of(id(), &numbered);
    assert_eq!(wrong(&page(&story), &json(&story)), Vec::<String>::new());
}

/// Each number in the page, changed, is found to be wrong: so the test above looks at every one.
#[test]
fn no_number_in_the_page_is_left_unread() {
    let story = super::held::story();
    let (page, json) = (page(&story), json(&story));
    assert_eq!(wrong(&page, &json), Vec::<String>::new());
    let (mut numbers, mut in_text, mut before) = (0, false, ' ');
    for (at, c) in page.char_indices() {
        let begins = c.is_ascii_digit() && !before.is_ascii_digit();
        // What stands in tags is looks, and nobody reads it.
        if begins && in_text && at > page.find("</head>").unwrap() {
            let rest = page[at..].trim_start_matches(|c: char| c.is_ascii_digit());
            let changed = format!("{}987654{rest}", &page[..at]);
            assert!(!wrong(&changed, &json).is_empty(), "{}", &page[at.saturating_sub(60)..at + 20]);
            numbers += 1;
        }
        in_text = match c {
            '<' => false,
            '>' => true,
            _ => in_text,
        };
        before = c;
    }
    assert!(numbers > 120, "{numbers}");
}

const BROWSER: &str = "/usr/bin/chromium";

/// A browser's document of the page is the one that was written.
#[test]
fn a_browser_shows_the_same() {
    if !std::path::Path::new(BROWSER).exists() {
        eprintln!("not tried: {BROWSER} is not installed");
        return;
    }
    let story = super::held::story();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("story.html");
    std::fs::write(&file, page(&story)).unwrap();
    let mut browser = std::process::Command::new(BROWSER);
    browser.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        // It would look for its makers.
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--dump-dom",
    ]);
    browser.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
    let output = browser.arg(format!("file://{}", file.display())).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("<rect"), "{}: {shown}", output.status);
    assert_eq!(wrong(&shown, &json(&story)), Vec::<String>::new());
}
