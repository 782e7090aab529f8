//! Notices through a webhook, with receivers that fail and receivers that are not there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;

use super::webhook::Sender;
use super::*;
use crate::config::notify::Hook;
use gatekeeper_policy::approval::Terms;
use gatekeeper_record::decision::HoldId;
use gatekeeper_record::record::Object;
use gatekeeper_trail::export::setting::Url;
use gatekeeper_trail::export::webhook::signature;
use gatekeeper_trail::ocsf::samples::event;

const SOON: Duration = Duration::from_secs(30);

/// A hold that waits.
pub fn held() -> Held {
    let object = Object::File {
        path: "/usr/bin/git".into(),
        path_hex: None,
        workspace_path: None,
        device: 1,
        inode: 2,
    };
    Held {
        hold: HoldId::from_kernel(17).unwrap(),
        event: event(17, Operation::Exec, Verdict::Ask, object),
        arguments: Some(vec!["git".into(), "push\u{1b}[2J".into()]),
        working_directory: None,
        seconds_left: 60,
        terms: Terms::default(),
        approved_by: Vec::new(),
        checks: Vec::new(),
        owner_name: Some("dev".into()),
        flood_denied: None,
    }
}

struct Received {
    head: String,
    body: String,
}

/// A receiver that gives these answers, one after the other.
fn receiver(answers: &'static [&'static str]) -> (Url, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/holds", listener.local_addr().unwrap());
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            sender.send(receive(&stream, answer)).unwrap();
        }
    });
    (Url { url, ca: None, token: None }, received)
}

fn receive(mut stream: &TcpStream, answer: &str) -> Received {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(number) = line.to_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    Received { head, body: String::from_utf8(body).unwrap() }
}

fn sender(url: Url, folder: &std::path::Path) -> Sender {
    let secret = folder.join("secret");
    std::fs::write(&secret, "hush\n").unwrap();
    Sender::start(Hook { url, secret, timeout: Duration::from_secs(5) }).unwrap()
}

#[test]
fn a_notice_is_signed_escaped_and_sent_again_until_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (url, received) = receiver(&["503 Busy", "200 OK"]);
    let sender = sender(url, folder.path());
    sender.asks(&held(), Some("https://bastion.example.org/17"));
    let (first, second) = (received.recv_timeout(SOON).unwrap(), received.recv_timeout(SOON).unwrap());
    assert_eq!(first.body, second.body);
    let field = |name: &str| {
        let line = second.head.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    let (time, tag) = {
        let signed = field("gatekeeper-signature");
        let (time, tag) = signed.split_once(",v1=").unwrap();
        (time.strip_prefix("t=").unwrap().parse().unwrap(), tag.to_owned())
    };
    assert_eq!(tag, signature("hush", time, second.body.as_bytes()).unwrap());
    assert_eq!(field("idempotency-key"), "hold-17");
    let notice: serde_json::Value = serde_json::from_str(&second.body).unwrap();
    assert_eq!(
        (&notice["type"], &notice["hold"], &notice["seconds_left"]),
        (&"hold".into(), &17.into(), &60.into())
    );
    assert_eq!(notice["link"], "https://bastion.example.org/17");
    assert_eq!(notice["command"], "gatekeeper show 17");
    assert!(
        !second.body.contains("\\u001b") && notice["text"].as_str().unwrap().contains("push"),
        "{notice}"
    );
    let begun = Instant::now();
    while sender.state().sent < 1 {
        assert!(begun.elapsed() < SOON, "{:?}", sender.state());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(sender.state().error, None);
}

#[test]
fn a_receiver_that_is_dead_keeps_nobody_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody accepts: nothing that is sent there is received.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let sender = sender(Url { url, ca: None, token: None }, folder.path());
    let begun = Instant::now();
    for _ in 0..1000 {
        sender.asks(&held(), None);
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(sender.state().dropped >= 1000 - 256 - 1, "{:?}", sender.state());
    while sender.state().error.is_none() {
        assert!(begun.elapsed() < SOON);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_notice_that_nobody_needs_any_more_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (url, received) = receiver(&["500 No", "200 OK"]);
    let sender = sender(url, folder.path());
    sender.asks(&Held { seconds_left: 0, ..held() }, None);
    sender.asks(&Held { seconds_left: 60, ..held() }, None);
    let (first, second) = (received.recv_timeout(SOON).unwrap(), received.recv_timeout(SOON).unwrap());
    assert!(first.body.contains("\"seconds_left\":0") && second.body.contains("\"seconds_left\":60"));
    assert_eq!(sender.state().dropped, 1);
}
