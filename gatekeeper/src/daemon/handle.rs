//! The daemon's border for other threads: its state stays on one thread, and whoever runs on another asks through a
//! [`Handle`], which is [`Send`].

use std::rc::Rc;

use gatekeeper_record::refusal::Refusal;
use tokio::sync::{mpsc, oneshot};

use super::state::State;

/// Requests that wait at once, at most.
const WAITING: usize = 64;

/// A request from another thread, with the way back.
#[derive(Debug)]
pub enum Request {
    /// Whether sessions can be opened.
    Ready(oneshot::Sender<Result<(), Refusal>>),
}

/// The way to ask the daemon from any thread.
#[derive(Clone, Debug)]
pub struct Handle(mpsc::Sender<Request>);

/// The daemon answers no more: it stops, or its thread is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the daemon does not answer")]
pub struct Unanswered;

impl Handle {
    /// Whether sessions can be opened; waits until the daemon's thread has looked.
    ///
    /// # Errors
    /// Where the daemon answers no more.
    pub fn ready(&self) -> Result<Result<(), Refusal>, Unanswered> {
        self.ask(Request::Ready)
    }

    fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Unanswered> {
        let (sender, answer) = oneshot::channel();
        self.0.blocking_send(request(sender)).map_err(|_| Unanswered)?;
        answer.blocking_recv().map_err(|_| Unanswered)
    }
}

/// A handle, and the end at which its requests arrive.
pub fn channel() -> (Handle, mpsc::Receiver<Request>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Handle(sender), receiver)
}

/// Answers requests until no handle is left.
pub async fn answer_all(daemon: Rc<State>, mut requests: mpsc::Receiver<Request>) {
    while let Some(request) = requests.recv().await {
        answer(&daemon, request);
    }
}

/// Whoever asked may have gone, so nobody minds where an answer is not taken.
fn answer(daemon: &State, request: Request) {
    match request {
        Request::Ready(back) => drop(back.send(daemon.ready())),
    }
}
