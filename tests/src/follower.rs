//! `gatekeeper holds --follow`, listened to.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::world::World;

/// A client that reads all holds as they come and go.
pub struct Follower {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Follower {
    /// Begins to listen.
    pub fn start(world: &World) -> Result<Self> {
        let mut command = world.command(&["holds", "--follow", "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn()?;
        world.remember(child.id());
        let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        Ok(Self { child, lines })
    }

    /// Reads on until such a record comes, or the test's time is over.
    pub fn until(&mut self, what: impl Fn(&Value) -> bool) -> Result<()> {
        for line in &mut self.lines {
            if what(&serde_json::from_str(&line?)?) {
                return Ok(());
            }
        }
        bail!("the list of holds ended")
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // Errors mean that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
