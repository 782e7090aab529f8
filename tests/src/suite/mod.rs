//! The tests, one file a noun. A test of a denial has three parts: the same act by somebody outside any
//! session passes; in a session where it is allowed it passes; where it is denied it fails with EPERM,
//! without effect, and an event tells of it.

mod agreement;
mod daemon;
mod doubt;
mod exec;
mod file;
mod governed;
mod label;
mod load;
mod map;
mod net;
mod policy;
mod secret;
mod shipped;
mod without;

use crate::runner::Test;

/// Every test. `without_bpf` says that bpf is not among the kernel's LSMs.
pub fn all(without_bpf: bool) -> Vec<Test> {
    [
        file::tests(),
        secret::tests(),
        exec::tests(),
        map::tests(),
        net::tests(),
        label::tests(),
        governed::tests(),
        doubt::tests(),
        policy::tests(),
        shipped::tests(),
        agreement::tests(),
        daemon::tests(),
        if without_bpf { without::tests() } else { Vec::new() },
        // It leaves a long trail behind.
        load::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
