//! gatekeeper as it is installed: its daemon, a session, and a program that decides over the control socket.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use gatekeeper::protocol::client::ask;
use gatekeeper::protocol::messages::{Answer, HoldAnswer, Holds, Request, RequestedScope};
use gatekeeper_record::decision::HoldId;

use super::opener::Requester;
use super::{Figures, Notice, now};

const GATEKEEPER: &str = "/usr/bin/gatekeeper";
const SOCKET: &str = "/run/gatekeeper/control.sock";
const POLICIES: &str = "/etc/gatekeeper/policies";
const POLICY: &str = include_str!("../../../policies-guest/bench-hold.toml");

/// Ends with its owner.
struct Daemon(Child);

impl Daemon {
    fn start() -> Result<Self> {
        let mut child = Command::new(GATEKEEPER)
            .arg("daemon")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the daemon")?;
        let output = child.stdout.take().context("no standard output")?;
        let daemon = Self(child);
        for line in BufReader::new(output).lines() {
            if line? == "ready" {
                return Ok(daemon);
            }
        }
        bail!("the daemon ended before it was ready")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has been of use, and its sessions are over.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn approve(hold: HoldId) -> Result<()> {
    let answer = HoldAnswer { hold, approve: true, scope: RequestedScope::default(), reason: None };
    for answer in ask(Path::new(SOCKET), Request::Decide(answer))? {
        if let Answer::Decided(decision) = answer? {
            ensure!(decision.is_final, "hold {hold} is not decided by one");
        }
    }
    Ok(())
}

pub fn measure() -> Result<Figures> {
    fs::create_dir_all(POLICIES)?;
    fs::write(format!("{POLICIES}/bench-hold.toml"), POLICY).context("the policy")?;
    let _daemon = Daemon::start()?;
    let mut command = Command::new(GATEKEEPER);
    command
        .args(["run", "--policy", "bench-hold", "--workspace", "/srv", "--"])
        .arg(std::env::current_exe()?)
        .args(["open", "plain"]);
    let opener = Requester::start(command)?;
    let mut holds = ask(Path::new(SOCKET), Request::Holds(Holds { follow: true, hold: None }))?;
    opener.decide(&mut || {
        loop {
            let Some(answer) = holds.next() else { bail!("the daemon lists no more") };
            if let Answer::Hold(held) = answer? {
                let noticed = now()?;
                let decided = now()?;
                approve(held.hold)?;
                return Ok(Notice { noticed, decided });
            }
        }
    })
}
