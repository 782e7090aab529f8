//! Sessions: opened, labelled, nested, reloaded, ended; and adopted by the next daemon.

pub mod adopt;
pub mod cgroup;

pub mod end;
pub mod enforcer;
pub mod expire;
pub mod gate;
pub mod hook;

pub mod judge;
pub mod label;
pub mod layers;
pub mod open;
pub mod place;
pub mod policy;
pub mod rate;
pub mod record;
pub mod recordings;
pub mod reload;
pub mod status;
pub mod store;
pub mod turns;
