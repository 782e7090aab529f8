//! Sessions: opened, labelled, nested, reloaded, ended; and adopted by the next daemon.

pub mod adopt;
pub mod cgroup;
pub mod end;
pub mod enforcer;
pub mod gate;
pub mod id;
pub mod label;
pub mod layers;
pub mod open;
pub mod place;
pub mod policy;
pub mod record;
pub mod reload;
pub mod status;
pub mod store;
pub mod turns;
