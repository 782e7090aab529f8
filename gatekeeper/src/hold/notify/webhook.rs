//! Notices through a webhook: a thread that sends one after the other, signed as records are
//! ([`gatekeeper_trail::export::webhook`]), and tries again until nobody needs the notice any more.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::outbox::{About, Notice, Outbox};
use super::text;
use crate::config::notify::Hook;
use crate::hold::text as hold_text;
use crate::protocol::status::NoticeState;
use gatekeeper_record::decision::Decision;
use gatekeeper_record::held::Held;
use gatekeeper_trail::export::SendError;
use gatekeeper_trail::export::http::{Client, secret};
use gatekeeper_trail::export::webhook::signature;

/// Pause after a failure, first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Time within which the notice of a decision is retried.
const OVER: Duration = Duration::from_mins(5);

impl Notice {
    /// The notice that a hold waits.
    pub fn asks(held: &Held, link: Option<&str>) -> Self {
        let session = held.event.session.map(|session| session.to_string());
        let shown = hold_text::lines(held, held.seconds_left);
        let lines: Vec<_> = shown
            .iter()
            .map(|line| json!({ "name": line.name, "text": text::unmarked(&line.text) }))
            .collect();
        let object = json!({
            "type": "hold",
            "hold": held.hold,
            "session": session,
            "owner": held.event.owner,
            "text": format!("{}: {}", text::who(held), text::request(held)),
            "seconds_left": held.seconds_left,
            "command": text::decide(held),
            "link": link,
            "lines": lines,
        });
        let until = Instant::now() + Duration::from_secs(held.seconds_left);
        let key = format!("hold-{}", held.hold);
        Self { hold: held.hold, about: About::Asked, body: object.to_string().into_bytes(), key, until }
    }

    /// The notice that a hold waits no more.
    pub fn decided(decision: &Decision) -> Self {
        let object = json!({
            "type": "decision",
            "hold": decision.hold,
            "session": decision.session.map(|session| session.to_string()),
            "owner": decision.owner,
            "approved": decision.approved,
            "final": decision.is_final,
            "text": text::unmarked(&gatekeeper_record::safe_text::exact(&decision.to_string())),
        });
        let key = format!("decision-{}-{}", decision.hold, decision.time.micros());
        let (hold, until) = (decision.hold, Instant::now() + OVER);
        Self { hold, about: About::Decided, body: object.to_string().into_bytes(), key, until }
    }
}

/// The thread's other end. The thread ends with it, or with the process.
#[derive(Debug)]
pub struct Sender {
    outbox: Arc<Outbox>,
    thread: JoinHandle<()>,
}

impl Sender {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the thread can't be started.
    pub fn start(hook: Hook) -> io::Result<Self> {
        let outbox = Arc::new(Outbox::default());
        let shared = Arc::clone(&outbox);
        let thread = thread::Builder::new().name("notices".to_owned()).spawn(move || work(&hook, &shared))?;
        Ok(Self { outbox, thread })
    }

    /// Whether the thread has ended, which it does at the end of `self` alone.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// People are asked about a hold.
    pub fn asks(&self, held: &Held, link: Option<&str>) {
        self.outbox.put(Notice::asks(held, link));
    }

    /// Announces a decision. Where that ends it and no notice has gone out yet, none is sent.
    pub fn decided(&self, decision: &Decision) {
        if !decision.is_final || self.outbox.settle(decision.hold) {
            self.outbox.put(Notice::decided(decision));
        }
    }

    /// The state of the webhook.
    pub fn state(&self) -> NoticeState {
        self.outbox.state()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.outbox.close();
    }
}

fn work(hook: &Hook, outbox: &Outbox) {
    let mut client = Client::new(hook.url.clone(), hook.timeout);
    let mut wait = FIRST_WAIT;
    while let Some(notice) = outbox.next() {
        if let Err(error) = send(&mut client, hook, &notice) {
            let pause = error.wait().unwrap_or(wait).min(LONGEST_WAIT);
            outbox.failed(error.to_string(), Instant::now() + pause);
            thread::sleep(pause);
            wait = (wait * 2).min(LONGEST_WAIT);
        } else {
            outbox.taken();
            wait = FIRST_WAIT;
        }
    }
}

fn send(client: &mut Client, hook: &Hook, notice: &Notice) -> Result<(), SendError> {
    let secret = secret(&hook.secret)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let headers = [
        ("Gatekeeper-Signature", format!("t={now},v1={}", signature(&secret, now, &notice.body)?)),
        ("Idempotency-Key", notice.key.clone()),
    ];
    client.post(&notice.body, "application/json", &headers).map(drop)
}
