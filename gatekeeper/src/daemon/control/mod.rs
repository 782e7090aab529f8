//! The control socket: the loop that listens, who may call which verb, and what each verb does.

mod dispatch;
mod holds;
mod outcome;
mod recording;
pub mod server;
pub mod verbs;
