//! The control socket's protocol: every type that crosses it, how it is read and written, and who is at the other end.

pub mod action;
pub mod bounds;
pub mod client;
pub mod messages;
pub mod peer;
pub mod status;
pub mod summary;
pub mod wire;
