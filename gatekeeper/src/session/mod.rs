//! Sessions: opened, labelled, nested, reloaded, ended; and adopted by the next daemon.

pub mod adopt;
pub mod cgroup;

pub mod end;
pub mod enforcer;
pub mod expire;
pub mod gate;
pub mod hook;

pub mod label;
pub mod layers;
pub mod namespace;
pub mod open;
pub mod permits;
pub mod policy;
pub mod policy_cache;
pub mod rate;
pub mod record;
pub mod recordings;
pub mod reload;
pub mod status;
pub mod store;
