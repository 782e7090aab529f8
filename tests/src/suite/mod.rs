//! The tests, one file a subject. A test of a denial has three parts: the same act outside any session passes; in a
//! session where it is allowed it passes; where it is denied it fails with EPERM, without effect, and an event records
//! it.

mod account;
mod agreement;
mod arguments;
mod assistant;
mod daemon;
mod exec;
mod file;
mod governed;
mod hold;
mod label;
mod load;
mod map;
mod marathon;
mod names;
mod net;
mod people;
mod policy;
mod process;
mod record;
mod remembered;
mod secret;
mod shipped;
mod tools;
mod unix;
mod unresolved;
mod without;

use crate::runner::Test;

/// Returns every test. With `without_bpf`, bpf is not among the kernel's LSMs.
pub fn all(without_bpf: bool) -> Vec<Test> {
    [
        file::tests(),
        secret::tests(),
        exec::tests(),
        arguments::tests(),
        tools::tests(),
        map::tests(),
        net::tests(),
        unix::tests(),
        process::tests(),
        label::tests(),
        governed::tests(),
        names::tests(),
        unresolved::tests(),
        remembered::tests(),
        policy::tests(),
        shipped::tests(),
        agreement::tests(),
        assistant::tests(),
        daemon::tests(),
        record::tests(),
        hold::tests(),
        marathon::tests(),
        people::tests(),
        if without_bpf { without::tests() } else { Vec::new() },
        // It leaves a long trail behind.
        load::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
