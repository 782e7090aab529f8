//! The control socket: what is said, who may say it, and the loop that listens.

pub mod client;
pub mod dispatch;
pub mod messages;
pub mod peer;
pub mod server;
pub mod verbs;
pub mod wire;
