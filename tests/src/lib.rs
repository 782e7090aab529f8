//! The tests in the guest: the suite and the escapes, on one world.

#![warn(clippy::pedantic)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_ptr_alignment,
    clippy::cast_sign_loss,
    reason = "arguments and results of system calls: descriptors, ids, lengths and small counts"
)]
#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    clippy::naive_bytecount,
    reason = "shorter, and fast enough for tests"
)]
#![allow(clippy::needless_for_each, reason = "one line instead of three")]
#![allow(clippy::similar_names, reason = "words of one subject resemble each other")]
#![allow(clippy::unused_self, reason = "methods of the world exist only once it is built")]

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

/// Runs `gatekeeper-suite`.
#[must_use]
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

/// Runs `gatekeeper-escapes`.
#[must_use]
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
