//! The opener: one process, the same program for every way of holding it.

use std::ffi::CString;
use std::io::{BufRead, BufReader, Error, Write, stdin, stdout};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::{COUNT, Decide, FILE, Figures, Opened, WARM, now, seccomp};

/// The way in which its opens are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By somebody else.
    Plain,
    /// By a filter of its own.
    Filter,
}

/// The opener's main: reports that it is ready, waits for a line, opens, and prints when.
pub fn open(way: Way) -> Result<()> {
    let path = CString::new(FILE)?;
    let mut times = Vec::with_capacity(COUNT + WARM);
    let listener = if way == Way::Filter { seccomp::install()? } else { 0 };
    println!("ready {listener}");
    stdout().flush()?;
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    for _ in 0..COUNT + WARM {
        let called = now()?;
        // SAFETY: a path that lives.
        let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) };
        let returned = now()?;
        ensure!(fd >= 0, "open: {}", Error::last_os_error());
        // SAFETY: nobody else has it.
        unsafe { libc::close(fd) };
        times.push(Opened { called, returned });
    }
    let lines: String = times
        .iter()
        .map(|Opened { called, returned }| format!("{called} {returned}\n"))
        .collect::<Vec<_>>()
        .concat();
    stdout().write_all(lines.as_bytes()).context("printing the times")
}

/// The opener as its parent has it.
pub struct Requester {
    child: Child,
    go: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The descriptor of its filter's listener, in the opener.
    pub listener: i32,
}

impl Requester {
    /// Starts it by this command, and waits until it is ready.
    pub fn start(mut command: Command) -> Result<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting who opens")?;
        let go = child.stdin.take().context("no standard input")?;
        let mut output = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let Some(listener) = line.trim().strip_prefix("ready ").and_then(|word| word.parse().ok()) else {
            bail!("the opener wrote {line:?}");
        };
        Ok(Self { child, go, output, listener })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has it open, decides each time, and hears when it opened what.
    pub fn decide(mut self, decide: Decide<'_>) -> Result<Figures> {
        writeln!(self.go, "go")?;
        let notices = (0..COUNT + WARM).map(|_| decide()).collect::<Result<Vec<_>>>()?;
        let mut opened = Vec::new();
        for line in self.output.lines() {
            let line = line?;
            let (called, returned) = line.split_once(' ').with_context(|| format!("{line:?}"))?;
            opened.push(Opened { called: called.parse()?, returned: returned.parse()? });
        }
        let status = self.child.wait()?;
        ensure!(status.success(), "who opens ended with {status}");
        Figures::of(&notices, &opened)
    }
}

/// The command of an opener outside any session.
pub fn here(way: Way) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["open", if way == Way::Filter { "filter" } else { "plain" }]);
    Ok(command)
}
