//! The guest suite: a real daemon, real sessions, a real kernel. `tests/README.md` says how it is built.

mod actor;
mod acts;
mod daemon;
mod events;
mod ground;
mod random;
mod runner;
mod servers;
mod session;
mod suite;
mod sys;
mod world;

use std::process::ExitCode;

use runner::Choice;

const USAGE: &str = "usage: gatekeeper-suite [FILTER]… [--no-bpf-lsm] [--list]";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let mut choice = Choice::default();
    match words.next() {
        // The suite's other face: what acts inside a session.
        Some(word) if word == "actor" => return acts::serve(),
        first => {
            for word in first.into_iter().chain(words) {
                match word.as_str() {
                    "--no-bpf-lsm" => choice.without_bpf = true,
                    "--list" => choice.list = true,
                    word if word.starts_with('-') => {
                        eprintln!("{USAGE}");
                        return ExitCode::from(2);
                    }
                    _ => choice.filters.push(word),
                }
            }
        }
    }
    runner::run(&choice)
}
