//! The program that runs attacks: the same in a session and outside, so that only the label differs.
//!
//! It takes itself into a session where it is given a policy, and then runs the commands on its standard input.
//! Attacks write to its standard error, which is a file of the runner's.

use std::ffi::OsStr;
use std::io::{BufRead, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use gatekeeper::protocol::client::ask;
use gatekeeper::protocol::messages::{Answer, PolicyChoice, Request, Run};

use super::peer;
use crate::sys::unhex;

/// Time limit of an attack. Those that are blocked end by themselves.
pub const LIMIT: Duration = Duration::from_mins(1);
/// Limit of a user's tasks, for fork bombs.
const TASKS: u64 = 400;

/// The command's words: the policy, or `-` for none, and the workspace.
pub fn serve(mut words: impl Iterator<Item = String>) -> ExitCode {
    let (Some(policy), Some(workspace)) = (words.next(), words.next()) else { return ExitCode::from(2) };
    match serve_in(&policy, &workspace) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed {}", crate::runner::line(&error));
            ExitCode::FAILURE
        }
    }
}

fn serve_in(policy: &str, workspace: &str) -> Result<()> {
    let mut lines = std::io::stdin().lock().lines();
    if policy == peer::LANDLOCK {
        peer::restrict(Path::new(workspace))?;
        say("free")?;
    } else if policy != "-" {
        let run = Run {
            policy: Some(PolicyChoice::Name(policy.to_owned())),
            workspace: PathBuf::from(workspace),
            purpose: None,
            name: None,
            seconds: None,
            command: Vec::new(),
        };
        let mut opened = None;
        for answer in ask(Path::new(crate::daemon::SOCKET), Request::Run(run))? {
            if let Answer::Opened { session, .. } = answer? {
                opened = Some(session);
            }
        }
        say(&format!("session {}", opened.context("the daemon did not say whether the session is open")?))?;
    } else {
        say("free")?;
    }
    while let Some(line) = lines.next().transpose()? {
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let words: Option<Vec<Vec<u8>>> = rest.split_whitespace().map(unhex).collect();
        let words = words.context("not hexadecimal")?;
        match verb {
            "attack" => say(&format!("ended {}", attack(&words)?))?,
            "work" | "work-a-little" => match work(verb == "work") {
                Ok(()) => say("worked")?,
                Err(error) => say(&format!("did not work: {}", crate::runner::line(&error)))?,
            },
            other => bail!("unknown verb {other:?}"),
        }
    }
    Ok(())
}

fn say(words: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{words}").and_then(|()| output.flush()).context("answering the runner")
}

/// Runs an attack to its end, or to the end of its time: how it ended. Its environment comes first, up to `--`.
fn attack(words: &[Vec<u8>]) -> Result<String> {
    let words: Vec<&OsStr> = words.iter().map(|word| OsStr::from_bytes(word)).collect();
    let (environment, words) = words.split_at(words.iter().position(|word| *word == "--").context("no --")?);
    let variables = environment.iter().filter_map(|variable| {
        let at = variable.as_bytes().iter().position(|byte| *byte == b'=')?;
        Some((
            OsStr::from_bytes(&variable.as_bytes()[..at]),
            OsStr::from_bytes(&variable.as_bytes()[at + 1..]),
        ))
    });
    let (program, arguments) = words[1..].split_first().context("no attack is named")?;
    let mut command = Command::new(program);
    command.envs(variables).args(arguments).stdin(Stdio::null()).process_group(0);
    // SAFETY: descriptor 2 is open; the copy becomes the child's standard output.
    let output = unsafe { <Stdio as std::os::fd::FromRawFd>::from_raw_fd(libc::dup(2)) };
    command.stdout(output);
    // SAFETY: the child only makes a system call.
    unsafe {
        command.pre_exec(|| {
            let limit = libc::rlimit { rlim_cur: TASKS, rlim_max: TASKS };
            libc::setrlimit(libc::RLIMIT_NPROC, &raw const limit);
            Ok(())
        });
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ok(format!("never started: {error}")),
    };
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("waiting for an attack")? {
            return Ok(match (status.code(), status.signal()) {
                (Some(code), _) => format!("status {code}"),
                (_, Some(signal)) => format!("signal {signal}"),
                _ => "otherwise".to_owned(),
            });
        }
        if begun.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return Ok("time".to_owned());
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Does the work of a session: programs, an interpreter, the workspace. Only the least of it is asked for
/// after each attack.
fn work(all: bool) -> Result<()> {
    let out = |program: &str, words: &[&str]| -> Result<String> {
        let output =
            Command::new(program).args(words).stdin(Stdio::null()).output().context(program.to_owned())?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{program} ended with {}: {}", output.status, errors.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    out("/usr/bin/git", &["status", "--short"])?;
    if all {
        let six = out("/usr/bin/python3", &["-I", "-S", "-c", "print(6 * 7)"])?;
        ensure!(six.trim() == "42", "python wrote {six:?}");
    }
    std::fs::write("after-the-attack", "still here").context("writing in the workspace")?;
    ensure!(std::fs::read("after-the-attack")? == b"still here", "the workspace forgets");
    std::fs::remove_file("after-the-attack").context("removing in the workspace")
}
