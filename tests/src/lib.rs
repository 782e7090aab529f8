//! The tests in the guest: the suite and the escapes, on one world.

mod actor;
mod acts;
mod daemon;
mod escapes;
mod events;
mod failure;
mod fixtures;
mod follower;
mod policies;
mod random;
mod runner;
mod servers;
mod session;
mod suite;
mod sys;
mod tmux;
mod world;

use std::process::ExitCode;

use runner::Choice;

/// `gatekeeper-suite`.
pub fn suite() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next() {
        // The suite's other face: what acts inside a session.
        Some(word) if word == "actor" => acts::serve(),
        first => match Choice::of(first.into_iter().chain(words)) {
            Some(choice) => runner::run(&choice),
            None => usage("gatekeeper-suite"),
        },
    }
}

/// `gatekeeper-escapes`.
pub fn escapes() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next() {
        // What runs an attack, in a session or outside; and whom some attacks are after.
        Some(word) if word == "inside" => escapes::inside::serve(words),
        Some(word) if word == "victim" => escapes::victim::serve(words),
        first => match Choice::of(first.into_iter().chain(words)) {
            Some(choice) => escapes::run(&choice),
            None => usage("gatekeeper-escapes"),
        },
    }
}

fn usage(name: &str) -> ExitCode {
    eprintln!("usage: {name} [FILTER]… [--no-bpf-lsm] [--whole] [--list]");
    ExitCode::from(2)
}
