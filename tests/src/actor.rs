//! The harness's end of an actor: a process that runs acts on request.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::acts::{Done, answer};
use crate::failure::{Late, must_not_pass};
use crate::sys::hex;
use crate::world::{User, World, until_within};

/// Time limit of an act: some are whole storms. An act that is held without a decision waits for ever.
const ACTS: Duration = Duration::from_mins(10);
/// Time that an actor may go on at its end: it may be held.
const LINGERS: Duration = Duration::from_secs(10);

/// A process that runs acts on request, in a session or outside.
pub struct Actor {
    child: Child,
    /// None once the actor was asked to end.
    input: Option<ChildStdin>,
    /// Its answers, line by line, until its end.
    lines: Receiver<String>,
    words: PathBuf,
}

impl Actor {
    /// Starts a command that becomes an actor, or has one for its last child. `stderr` takes the place of
    /// a file.
    pub fn start(world: &World, mut command: Command, user: User, stderr: Option<Stdio>) -> Result<Self> {
        let words = world.run_file("actor");
        let errors = match stderr {
            Some(given) => given,
            None => File::create(&words).context("the actor's words")?.into(),
        };
        user.become_of(&mut command);
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        world.remember(child.id());
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let lines = lines(output.context("no standard output")?);
        let mut actor = Self { child, input, lines, words };
        let first = actor.line()?;
        ensure!(first == "here", "an actor's first word was {first:?}");
        Ok(actor)
    }

    fn line(&mut self) -> Result<String> {
        match self.lines.recv_timeout(ACTS) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                Err(Late { what: "an actor's answer".to_owned(), limit: ACTS }.into())
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().context("waiting for an actor")?;
                let words = std::fs::read_to_string(&self.words).unwrap_or_default();
                bail!("an actor ended ({status}): {}", words.trim())
            }
        }
    }

    /// Sends it an act, without waiting for the result.
    pub fn send<A: AsRef<[u8]>>(&mut self, verb: &str, arguments: &[A]) -> Result<()> {
        let mut line = verb.to_owned();
        for argument in arguments {
            line.push(' ');
            line.push_str(&hex(argument.as_ref()));
        }
        line.push('\n');
        let input = self.input.as_mut().context("the actor was asked to end")?;
        input.write_all(line.as_bytes()).context("sending an act to an actor")
    }

    /// Returns the result of the act that was sent.
    pub fn hear(&mut self) -> Result<Done> {
        let line = self.line()?;
        answer(&line).with_context(|| format!("an actor answered {line:?}"))
    }

    /// Runs an act and returns its result.
    pub fn act<A: AsRef<[u8]>>(&mut self, verb: &str, arguments: &[A]) -> Result<Done> {
        self.send(verb, arguments)?;
        self.hear()
    }

    /// Does an act that must succeed.
    pub fn must<A: AsRef<[u8]>>(&mut self, verb: &str, arguments: &[A]) -> Result<Vec<u8>> {
        let done = self.act(verb, arguments)?;
        done.map_err(|errno| anyhow::anyhow!("{} failed: {}", shown(verb, arguments), name(errno)))
    }

    /// Does an act that must fail with EPERM.
    pub fn must_not<A: AsRef<[u8]>>(&mut self, verb: &str, arguments: &[A]) -> Result<()> {
        match self.act(verb, arguments)? {
            Err(libc::EPERM) => Ok(()),
            Err(errno) => {
                bail!("{} failed with {} instead of EPERM", shown(verb, arguments), name(errno))
            }
            Ok(_) => must_not_pass(false, format!("{} passed", shown(verb, arguments))),
        }
    }

    /// Runs a program to its end: its exit status and all it wrote.
    pub fn program(&mut self, words: &[&str]) -> Result<Result<(i32, String), i32>> {
        Ok(self.act("run", words)?.map(|bytes| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let (status, output) = text.split_once('\n').unwrap_or(("-1", ""));
            (status.parse().unwrap_or(-1), output.to_owned())
        }))
    }

    /// Runs a program that must end well; what it wrote.
    pub fn must_run(&mut self, words: &[&str]) -> Result<String> {
        match self.program(words)? {
            Ok((0, output)) => Ok(output),
            Ok((status, output)) => bail!("{words:?} ended with {status}: {}", output.trim()),
            Err(errno) => bail!("{words:?} did not start: {}", name(errno)),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.input = None;
        let ended = until_within("an actor's end", LINGERS, || {
            Ok(self.child.try_wait().context("waiting for an actor")?.map(drop))
        });
        if ended.is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn lines(output: ChildStdout) -> Receiver<String> {
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody listens any more.
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    heard
}

/// An act as shown in errors.
fn shown<A: AsRef<[u8]>>(verb: &str, arguments: &[A]) -> String {
    let words: Vec<String> = arguments
        .iter()
        .map(|word| {
            let mut text = String::from_utf8_lossy(word.as_ref()).into_owned();
            if let Some((end, _)) = text.char_indices().nth(120) {
                text.truncate(end);
                text.push('…');
            }
            text
        })
        .collect();
    format!("{verb} {}", words.join(" "))
}

/// An error's number for people.
pub fn name(errno: i32) -> String {
    std::io::Error::from_raw_os_error(errno).to_string()
}
