//! Holds: operations that wait in the kernel until somebody decides. `queue` holds those that wait, `rights` says who may
//! decide, `check` asks programs before people are asked, `notify` reaches people, `wake` lets tasks ask again, `journal`
//! survives the daemon. The daemon serves them in `daemon::hold`.

pub mod check;
pub mod flood;
pub mod helper;
pub mod journal;
pub mod notify;
pub mod queue;
pub mod rights;
pub mod text;
pub mod wake;
