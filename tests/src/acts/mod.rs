//! The actor: a process that runs the acts on its standard input, one a line, and answers what came
//! of it. The same code acts in a session and outside, so that only the label can make a difference.
//!
//! A request is a verb and its arguments in hexadecimal; an answer `ok BYTES` or `no ERRNO`.

mod exec;
mod file;
mod kernel;
mod net;
mod process;
mod ring;
mod storm;
mod unix;

pub use file::owned;
pub use process::answer;
pub use storm::Board;
pub use unix::address;

use std::io::{BufRead, Write};
use std::process::ExitCode;

use crate::sys::{Errno, hex, unhex};

/// Bytes, or the number of the error.
pub type Done = Errno<Vec<u8>>;

/// Serves until its input ends.
pub fn serve() -> ExitCode {
    let (input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    if writeln!(output, "here").and_then(|()| output.flush()).is_err() {
        return ExitCode::FAILURE;
    }
    for line in input.lines() {
        let Ok(line) = line else { return ExitCode::FAILURE };
        let mut words = line.split(' ');
        let verb = words.next().unwrap_or_default();
        let Some(arguments) = words.map(unhex).collect::<Option<Vec<Vec<u8>>>>() else {
            eprintln!("unreadable: {line}");
            return ExitCode::FAILURE;
        };
        let answer = match act(verb, &arguments) {
            Ok(bytes) => format!("ok {}\n", hex(&bytes)),
            Err(errno) => format!("no {errno}\n"),
        };
        if output.write_all(answer.as_bytes()).and_then(|()| output.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Does one act. What nobody knows how to do ends the actor: a test must not pass for a misspelt verb.
fn act(verb: &str, arguments: &[Vec<u8>]) -> Done {
    let rooms = [file::act, exec::act, net::act, process::act, kernel::act, storm::act, ring::act, unix::act];
    rooms.iter().find_map(|room| room(verb, arguments)).unwrap_or_else(|| {
        eprintln!("no such act: {verb} with {} arguments", arguments.len());
        std::process::exit(2)
    })
}
