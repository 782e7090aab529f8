//! Sessions as values: their policies, layers, namespace, cgroup, limits, and what of them is on disk. The daemon opens,
//! nests, reloads and ends them in `daemon::session`.

pub mod cgroup;
pub mod enforcer;
pub mod layers;
pub mod namespace;
pub mod permits;
pub mod policy;
pub mod rate;
pub mod record;
pub mod store;
