//! Reading the page and the JSON.

use scraper::{ElementRef, Html, Selector};
use serde_json::Value;

use gatekeeper_record::record::Event;
use gatekeeper_record::safe_text::visible;

/// Reads the record or event that stands beside its number.
pub(super) fn read<T: serde::de::DeserializeOwned>(numbered: &Value) -> T {
    let mut alone = numbered.clone();
    alone.as_object_mut().unwrap().remove("record");
    serde_json::from_value(alone).unwrap()
}

pub(super) fn event(one: &Value) -> Event {
    read(one)
}

pub(super) fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

pub(super) fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(super) fn clock(time: &Value) -> String {
    time.as_str().unwrap()[11..23].to_owned()
}

pub(super) fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

/// Returns text that somebody else chose, as the page has it: made harmless, and blanks as a browser shows them.
pub(super) fn line(text: &str) -> String {
    squeeze(&visible(text))
}

pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn select<'a>(page: &'a Html, selector: &str) -> impl Iterator<Item = ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect::<Vec<_>>().into_iter()
}

pub(super) fn text(element: ElementRef<'_>) -> String {
    squeeze(&element.text().collect::<String>())
}

pub(super) fn texts(page: &Html, selector: &str) -> Vec<String> {
    select(page, selector).map(text).collect()
}

pub(super) fn attribute<'a>(element: ElementRef<'a>, name: &str) -> &'a str {
    element.value().attr(name).unwrap_or_default()
}
