//! Sessions, as the daemon serves them: opened, labelled, reloaded, expired, ended; adopted by the next daemon.

pub mod adopt;
pub mod end;
mod establish;
pub mod expire;
pub mod label;
mod limits;
pub mod open;
pub mod recordings;
pub mod reload;
pub mod request;
