//! The daemon, started as a real install starts it.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::world::{until, until_within};

/// The program under test.
pub const GATEKEEPER: &str = "/usr/bin/gatekeeper";
/// The socket of its clients.
pub const SOCKET: &str = "/run/gatekeeper/control.sock";
/// The folder of its records.
pub const STATE: &str = "/var/lib/gatekeeper";
/// The log that the daemon writes for people.
pub const WORDS: &str = "/run/gatekeeper-suite/daemon.log";
/// Time to end by itself before it is killed.
const STOP: Duration = Duration::from_mins(1);

/// Returns the log of all daemons so far.
pub fn log() -> String {
    std::fs::read_to_string(WORDS).unwrap_or_default()
}

/// A running daemon.
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts it and waits until sessions can be opened, or, where they can't, until it answers.
    pub fn start(ready: bool) -> Result<Self> {
        let begun = Instant::now();
        let words = OpenOptions::new().create(true).append(true).open(WORDS).context(WORDS)?;
        let mut child = Command::new(GATEKEEPER)
            .arg("daemon")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(words)
            .spawn()
            .context("starting the daemon")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut daemon = Self { child };
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            // Read to the end, so that the daemon never writes into a closed pipe.
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        until("the daemon's word", || {
            if let Some(status) = daemon.child.try_wait().context("waiting for the daemon")? {
                bail!("the daemon ended with {status}: {}", log().trim());
            }
            if ready {
                return Ok(heard.try_recv().ok().filter(|line| line == "ready").map(drop));
            }
            let answered = Command::new(GATEKEEPER)
                .args(["status", "--json"])
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .output()
                .context("asking the daemon")?;
            // Without a daemon `status` answers, too, and knows of no hooks.
            let status = serde_json::from_slice::<serde_json::Value>(&answered.stdout).unwrap_or_default();
            Ok(status["hooks"].is_array().then_some(()))
        })?;
        println!("  the daemon was up after {:.1} s", begun.elapsed().as_secs_f64());
        Ok(daemon)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it without a warning.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().context("killing the daemon")?;
        self.child.wait().context("waiting for the daemon").map(drop)
    }

    /// Asks it to end.
    pub fn stop(mut self) {
        // SAFETY: no pointers; the child has not been waited for.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        let ended = until_within("the daemon's end", STOP, || Ok(self.child.try_wait()?.map(drop)));
        if ended.is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
