//! A webhook.

use std::sync::atomic::{AtomicU64, Ordering};

use super::servers::{Answer, Server, serve};
use super::*;
use crate::export::setting::Url;
use crate::export::webhook::signature;

pub fn url(server: &Server) -> Url {
    Url { url: format!("http://{}/in", server.address), ca: None, token: None }
}

/// Takes what is signed rightly.
fn hook(at: &str, taken: &Taken) -> Server {
    let taken = taken.clone();
    serve(at, move |request| {
        let signed = request.header("gatekeeper-signature");
        let (time, tag) = signed.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let right = signature("hush", time.parse().unwrap(), &request.body).unwrap();
        assert_eq!(tag, right);
        assert!(!request.header("idempotency-key").is_empty());
        let records: Vec<serde_json::Value> = serde_json::from_slice(&request.body).unwrap();
        for record in &records {
            taken.add(record.to_string().as_bytes());
        }
        Some(Answer("204 No Content", "", Vec::new()))
    })
}

#[test]
fn a_webhook_that_was_down_gets_everything_once_and_in_order() {
    let mut trail = Trail::new();
    let taken = Taken::default();
    let server = hook("127.0.0.1:0", &taken);
    let secret = trail.path().join("secret");
    std::fs::write(&secret, "hush\n").unwrap();
    let target = Target::Webhook { url: url(&server), secret };
    let exports = trail.export(&target);
    trail.write(300);
    let before = trail.settle();
    taken.all(before);

    let address = server.address.to_string();
    drop(server);
    trail.write(400);
    until("word of the failure", || state(&exports, &trail).error.is_some());
    let down = state(&exports, &trail);
    assert!(down.lag > 0 && down.next == before, "{down:?}");
    // The daemon starts anew while the other end is still down.
    drop(exports);
    let exports = trail.export(&target);
    trail.write(200);
    let after = trail.settle();
    let _server = hook(&address, &taken);
    taken.all(after);
    until("a good state", || state(&exports, &trail).error.is_none());
    assert_eq!(state(&exports, &trail).lag, 0);
}

#[test]
fn a_webhook_that_says_wait_is_left_alone_and_asked_again() {
    let mut trail = Trail::new();
    let taken = Taken::default();
    let (kept, asked) = (taken.clone(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&asked);
    let server = serve("127.0.0.1:0", move |request| {
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => return Some(Answer("503 Service Unavailable", "Retry-After: 1\r\n", b"busy".to_vec())),
            // No answer at all.
            1 => return None,
            _ => {}
        }
        let records: Vec<serde_json::Value> = serde_json::from_slice(&request.body).unwrap();
        for record in &records {
            kept.add(record.to_string().as_bytes());
        }
        Some(Answer("200 OK", "", b"thanks".to_vec()))
    });
    let secret = trail.path().join("secret");
    std::fs::write(&secret, "hush\n").unwrap();
    let exports = trail.export(&Target::Webhook { url: url(&server), secret });
    let begun = Instant::now();
    trail.write(20);
    until("word of the failure", || {
        state(&exports, &trail).error.is_some_and(|error| error.contains("503") && error.contains("busy"))
    });
    taken.all(trail.settle());
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_slow_place_slows_nobody() {
    let mut trail = Trail::new();
    let taken = Taken::default();
    let kept = taken.clone();
    let server = serve("127.0.0.1:0", move |request| {
        thread::sleep(Duration::from_millis(150));
        let records: Vec<serde_json::Value> = serde_json::from_slice(&request.body).unwrap();
        for record in &records {
            kept.add(record.to_string().as_bytes());
        }
        Some(Answer("200 OK", "", Vec::new()))
    });
    let secret = trail.path().join("secret");
    std::fs::write(&secret, "hush\n").unwrap();
    let exports = trail.export(&Target::Webhook { url: url(&server), secret });
    trail.write(1000);
    let size = trail.settle();
    // All is in the trail, and most of it is not sent.
    assert!(state(&exports, &trail).lag > 0 && taken.count() < 900, "{} sent", taken.count());
    taken.all(size);
}
