//! The control socket: what is said, who may say it, and the loop that listens.

pub mod client;
pub mod dispatch;
pub mod holds;
pub mod messages;
pub mod peer;
mod record;
pub mod server;
pub mod verbs;
pub mod wire;
