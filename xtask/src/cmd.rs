//! Running other programs: every failure names the command that failed.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A command line under construction.
pub struct Cmd {
    inner: Command,
    shown: String,
    help: Option<String>,
}

/// A command; add arguments, then run it.
pub fn cmd(program: impl AsRef<OsStr>) -> Cmd {
    let program = program.as_ref();
    let mut inner = Command::new(program);
    // CI has no standard input, and nothing here may wait for one.
    inner.stdin(Stdio::null());
    Cmd { inner, shown: program.to_string_lossy().into_owned(), help: None }
}

/// A command that needs root: through sudo when we are not.
pub fn sudo(program: &str) -> Cmd {
    if is_root() { cmd(program) } else { cmd("sudo").arg(program) }
}

/// Whether we run as root.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// Whether a program is on the PATH (or in sbin, which users' PATH lacks).
pub fn have(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|dir| dir.join(program).is_file())
}

impl Cmd {
    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&arg.as_ref().to_string_lossy());
        self.inner.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(self, args: impl IntoIterator<Item = S>) -> Self {
        args.into_iter().fold(self, Cmd::arg)
    }

    /// Sets an environment variable.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(key, value);
        self
    }

    /// Sets the working directory.
    pub fn dir(mut self, dir: &Path) -> Self {
        self.inner.current_dir(dir);
        self
    }

    /// Sets the advice for the person when the command fails.
    pub fn help(mut self, help: &str) -> Self {
        self.help = Some(help.to_owned());
        self
    }

    /// Runs with our own output; fails unless the exit status is 0.
    pub fn run(mut self) -> Result<()> {
        let status = self.inner.status().with_context(|| self.failure("cannot be started"))?;
        if !status.success() {
            bail!(self.failure(&format!("failed ({status})")));
        }
        Ok(())
    }

    /// Runs with our own output; true when the exit status is 0.
    pub fn ok(mut self) -> Result<bool> {
        let status = self.inner.status().with_context(|| self.failure("cannot be started"))?;
        Ok(status.success())
    }

    /// Runs with its output shown and kept; whether the exit status was 0.
    pub fn tee(mut self) -> Result<(String, bool)> {
        self.inner.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.inner.spawn().with_context(|| self.failure("cannot be started"))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let text = std::thread::scope(|scope| {
            let out = scope.spawn(|| out.map(|out| show(out, std::io::stdout())).unwrap_or_default());
            let err = scope.spawn(|| err.map(|err| show(err, std::io::stderr())).unwrap_or_default());
            out.join().unwrap_or_default() + &err.join().unwrap_or_default()
        });
        let status = child.wait().with_context(|| self.failure("cannot be waited for"))?;
        Ok((text, status.success()))
    }

    /// Runs silently: what it printed is shown only when it fails.
    pub fn quiet(self) -> Result<()> {
        self.read().map(drop)
    }

    /// Runs and returns its standard output.
    pub fn read(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.read_bytes()?).into_owned())
    }

    /// Runs and returns its standard output, which is no text.
    pub fn read_bytes(mut self) -> Result<Vec<u8>> {
        let out = self.inner.output().with_context(|| self.failure("cannot be started"))?;
        if !out.status.success() {
            let output = [out.stdout, out.stderr].concat();
            let output = String::from_utf8_lossy(&output);
            let tail: Vec<&str> = output.lines().rev().take(20).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            bail!("{}\n{}", self.failure(&format!("failed ({})", out.status)), tail.join("\n"));
        }
        Ok(out.stdout)
    }

    fn failure(&self, what: &str) -> String {
        let help = self.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        format!("`{}` {what}{help}", self.shown)
    }
}

/// Shows lines as they come, and keeps them.
fn show(from: impl Read, mut to: impl Write) -> String {
    let mut all = String::new();
    for line in BufReader::new(from).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let _ = writeln!(to, "{line}");
        all.push_str(&line);
        all.push('\n');
    }
    all
}
