//! Every number in the page agrees with the JSON of the same story, and a page in which one does not is found.

use std::collections::BTreeMap;

use proptest::prelude::*;
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;

use super::*;
use crate::index::{Index, Query};
use crate::ocsf::samples::record;
use gatekeeper_record::decision::Decision;
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
    let refused = all(story, |event| event.is_refused());
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

fn counts(counts: &Value) -> Vec<String> {
    let count = |name: &str| counts[name].as_u64().unwrap();
    let always = ["refused", "prompts", "tool_calls", "programs", "audited", "processes", "records"];
    let words = [
        ("refused", "refused"),
        ("held", "held for a decision"),
        ("approved", "approved"),
        ("denied", "denied"),
        ("expired", "not answered in time"),
        ("undecided", "undecided"),
        ("prompts", "prompts"),
        ("tool_calls", "tool calls"),
        ("programs", "programs started"),
        ("audited", "operations recorded"),
        ("processes", "processes"),
        ("records", "records"),
    ];
    assert_eq!(words.len(), counts.as_object().unwrap().len(), "a number that the page does not show");
    let shown = words.iter().filter(|(name, _)| always.contains(name) || count(name) > 0);
    shown.map(|(name, words)| format!("{} {words}", count(name))).collect()
}

fn title(story: &Value) -> Vec<String> {
    let name =
        story["opened"]["session_name"].as_str().map_or_else(|| string(&story["session"]), str::to_owned);
    vec![format!("gatekeeper session {}", string(&story["session"])), line(name)]
}

fn head(story: &Value) -> Vec<String> {
    let opened = &story["opened"];
    let words = |value: &Value, between: &str| -> String {
        list(value).iter().map(string).collect::<Vec<_>>().join(between)
    };
    let mut facts = Vec::new();
    if !opened.is_null() {
        let owner = opened["user"].as_str().map_or_else(|| opened["owner"].to_string(), str::to_owned);
        facts.push(("Owner", owner));
        facts.push(("Policy", words(&opened["policies"], " + ")));
        facts.extend(opened["workspace"].as_str().map(|path| ("Workspace", path.to_owned())));
        facts
            .extend(Some(("Command", words(&opened["command"], " "))).filter(|(_, words)| !words.is_empty()));
        facts.push(("Opened", string(&opened["time"])));
        facts.extend(opened["expires"].as_str().map(|time| ("Until", time.to_owned())));
    }
    let over = list(&story["changes"]).into_iter().find(|change| change["change"] == "expired");
    facts.extend(over.map(|change| ("Time over", string(&change["time"]))));
    facts.extend(story["ended"].as_str().map(|time| ("Ended", time.to_owned())));
    let nested = words(&story["nested"], ", ");
    facts.extend(Some(("Sessions inside", nested)).filter(|(_, nested)| !nested.is_empty()));
    facts.into_iter().flat_map(|(name, fact)| [name.to_owned(), line(fact)]).collect()
}

fn report(one: &Value, processes: &[Value]) -> Vec<String> {
    let record: AssistantReport = read(one);
    let report = &record.report;
    let call = record.tool_call_id.as_deref().unwrap_or_default();
    let whose = report.subagent_id.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
    let refused =
        record.predicted_denial.as_ref().map(|refused| format!(" — {}", refused.reason)).unwrap_or_default();
    let mut belong = String::new();
    if report.kind == gatekeeper_record::hook_report::ReportKind::ToolCall && !call.is_empty() {
        for process in processes {
            let Ok(link) = serde_json::from_value::<ToolLink>(process["tool_call"].clone()) else { continue };
            if link.ids.iter().any(|one| one == call) {
                let by = link.matched_by.words();
                belong.push_str(&format!("{} {} {by}", visible(&last(&program(process))), process["pid"]));
            }
        }
    }
    vec![
        one["record"].to_string(),
        clock(&one["time"]),
        squeeze(&format!("{} {}{}", report.assistant.name(), report.kind.words(), visible(&whose))),
        line(call.rsplit('.').next().unwrap().to_owned()),
        line(report.tool.clone().unwrap_or_default()),
        line(format!("{}{refused}", record.brief())),
        squeeze(&belong),
    ]
}

fn held(one: &Value) -> Vec<String> {
    let known = |value: &Value| if value.is_null() { "–".to_owned() } else { value.to_string() };
    let decisions: Vec<(Value, Decision)> =
        list(&one["decisions"]).into_iter().map(|one| (one["record"].clone(), read(&one))).collect();
    let decision = decisions.iter().map(|(_, decision)| decision).find(|decision| decision.is_final);
    let outcome = match (one["outcome"].as_str(), decision) {
        (None, _) => "not decided yet".to_owned(),
        (Some("withdrawn"), _) => "ended undecided".to_owned(),
        (Some("expired"), _) => "denied, for nobody answered in time".to_owned(),
        (Some(word), Some(decision)) if decision.approved => {
            format!("{word} by {}, {}", decision.decided_by, decision.scope)
        }
        (Some(word), Some(decision)) => format!("{word} by {}", decision.decided_by),
        (Some(word), None) => panic!("{word} by nobody"),
    };
    let pid = one["pid"].as_u64().map(|pid| format!(" {pid}")).unwrap_or_default();
    let waited = one["waited_ms"].as_u64().map(|ms| format!("{}.{:03} s", ms / 1000, ms % 1000));
    let mut row = vec![
        one["hold"].to_string(),
        known(&one["record"]),
        one["since"].as_str().map(|_| clock(&one["since"])).unwrap_or_default(),
        line(string(&one["summary"])),
        squeeze(&format!("{}{pid}", visible(&last(one["program"].as_str().unwrap_or("?"))))),
        line(outcome),
        waited.unwrap_or_default(),
    ];
    for (record, decision) in &decisions {
        let time = serde_json::to_value(decision.time).unwrap();
        let answer = format!("{}: {}", decision.outcome().word(), visible(&decision.decided_by.in_full()));
        let reason = decision.reason.clone().unwrap_or_default();
        row.extend([record.to_string(), clock(&time), squeeze(&answer), line(reason)]);
    }
    if decisions.is_empty() {
        row.extend(["–", "", "", ""].map(str::to_owned));
    }
    row
}

fn denial(one: &Value) -> Vec<String> {
    let event = event(one);
    let rule = event.rule.as_ref().map_or("–", |rule| rule.id.as_str()).to_owned();
    let by = last(event.program.as_deref().unwrap_or(&event.task.comm));
    vec![
        one["record"].to_string(),
        clock(&one["time"]),
        event.operation.name().to_owned(),
        line(object(&event)),
        line(event.reason.clone()),
        line(rule),
        squeeze(&format!("{} {}", visible(&by), event.task.pid)),
    ]
}

fn summary(process: &Value) -> String {
    let refused = list(&process["events"]).iter().filter(|one| event(one).is_refused()).count();
    let refused = if refused > 0 { format!(" {refused} refused") } else { String::new() };
    squeeze(&format!("{} {}{refused}", visible(&program(process)), process["pid"]))
}

fn entry(one: &Value, story: &Value) -> String {
    let event = event(one);
    let why = if event.passed { String::new() } else { format!(" — {}", visible(&event.reason)) };
    let held = list(&story["holds"]).into_iter().find(|held| one["hold"] == held["hold"]);
    let hold = held.map(|held| {
        let came = if event.is_held() { format!(": {}", self::held(&held)[5]) } else { String::new() };
        format!(" hold {}{came}", held["hold"])
    });
    let (record, time, operation) = (&one["record"], clock(&one["time"]), event.operation.name());
    let object = visible(&object(&event));
    squeeze(&format!("{record} {time} {operation} {object}{why}{}", hold.unwrap_or_default()))
}

fn program(process: &Value) -> String {
    let events: Vec<Event> = list(&process["events"]).iter().map(event).collect();
    let started = events.iter().rev().find(|event| event.is_start()).and_then(Event::path);
    let first = events.first().and_then(|event| event.program.as_deref());
    started.or(first).unwrap_or("?").to_owned()
}

fn class(event: &Event) -> &'static str {
    match (event.passed, event.is_held(), event.is_start()) {
        (false, true, _) => "held",
        (false, false, _) => "refused",
        (true, _, true) => "exec",
        (true, _, false) => "passed",
    }
}

fn object(event: &Event) -> String {
    if event.object == Object::None { "–".to_owned() } else { event.object.brief() }
}

/// Events of all processes, in order.
fn all(story: &Value, which: impl Fn(&Event) -> bool) -> Vec<Value> {
    let events = list(&story["processes"]).into_iter().flat_map(|process| list(&process["events"]));
    let chosen = events.filter(|one| which(&event(one)));
    let by_number: BTreeMap<u64, Value> = chosen.map(|one| (one["record"].as_u64().unwrap(), one)).collect();
    by_number.into_values().collect()
}

/// Returns the cells beside its record's number.
fn read<T: serde::de::DeserializeOwned>(numbered: &Value) -> T {
    let mut alone = numbered.clone();
    alone.as_object_mut().unwrap().remove("record");
    serde_json::from_value(alone).unwrap()
}

fn event(one: &Value) -> Event {
    read(one)
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn clock(time: &Value) -> String {
    time.as_str().unwrap()[11..23].to_owned()
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

/// Returns text that somebody else chose, as the page has it: made harmless, and blanks as a browser shows them.
fn line(text: String) -> String {
    squeeze(&visible(&text))
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn select<'a>(page: &'a Html, selector: &str) -> impl Iterator<Item = ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect::<Vec<_>>().into_iter()
}

fn text(element: ElementRef<'_>) -> String {
    squeeze(&element.text().collect::<String>())
}

fn texts(page: &Html, selector: &str) -> Vec<String> {
    select(page, selector).map(text).collect()
}

fn attribute<'a>(element: ElementRef<'a>, name: &str) -> &'a str {
    element.value().attr(name).unwrap_or_default()
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
