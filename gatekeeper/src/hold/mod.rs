//! Holds: operations that wait in the kernel until somebody decides. `queue` knows what waits, `rights` who may decide,
//! `decide` turns answers into a decision, `check` what is asked before people are, `notify` tells them, `wake` lets tasks ask again, `journal` survives the daemon.

pub mod check;
pub mod decide;

pub mod flood;

pub mod helper;
pub mod journal;
pub mod notify;
pub mod queue;
pub mod rights;
pub mod serve;
pub mod told;
mod wake;
