//! AppArmor with a profile of its own.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{CAPABILITIES, KIT, PROGRAM, TOOLS, TOOLS_BEGIN};

const NAME: &str = "escapes-peer";

/// Loads the profile into the kernel.
pub fn load() -> Result<()> {
    let mut parser = Command::new("/usr/sbin/apparmor_parser")
        .args(["--replace", "--skip-cache"])
        .stdin(Stdio::piped())
        .spawn()
        .context("starting apparmor_parser")?;
    parser.stdin.take().context("no pipe")?.write_all(profile().as_bytes())?;
    ensure!(parser.wait()?.success(), "the profile was refused");
    Ok(())
}

pub fn command() -> Command {
    let mut command = Command::new("/usr/bin/aa-exec");
    command.args(["-p", NAME, "--", PROGRAM]);
    command
}

fn profile() -> String {
    let capabilities: String =
        CAPABILITIES.iter().map(|capability| format!("  capability {capability},\n")).collect();
    // A bracket is a word of AppArmor's patterns.
    let tools: String =
        TOOLS.iter().map(|tool| format!("  /usr/bin/{} mrix,\n", tool.replace('[', "\\["))).collect();
    let more: String = TOOLS_BEGIN.iter().map(|begin| format!("  /usr/bin/{begin}* mrix,\n")).collect();
    format!(
        "profile {NAME} flags=(attach_disconnected) {{
{capabilities}{tools}{more}
  network unix,
  signal peer={NAME},
  ptrace peer={NAME},
  signal (receive) peer=unconfined,
  ptrace (readby, tracedby) peer=unconfined,
  {PROGRAM} mr,
  {KIT}/** r,
  {KIT}/kit mrix,
  /srv/escapes/*/work/ r,
  /srv/escapes/*/work/** rwkl,
  /srv/escapes/*/guarded/shown r,
  /{{,var/}}tmp/ r,
  /{{,var/}}tmp/** rwkl,
  / r,
  /etc/** r,
  deny /etc/{{shadow,gshadow,sudoers}}* rw,
  /{{home/dev,root}}/.gitconfig r,
  /usr/** r,
  /usr/lib/** mr,
  /usr/lib/git-core/** mrix,
  /usr/lib/gcc/** mrix,
  /usr/lib{{,64}}/ld-linux* mrix,
  /usr/lib/x86_64-linux-gnu/ld-linux* mrix,
  /proc/ r,
  /proc/** r,
  deny /proc/*/{{mem,environ}} rw,
  /dev/ r,
  /dev/{{null,zero,full,tty,ptmx}} rw,
  /dev/{{random,urandom}} r,
  /dev/pts/* rw,
  /run/gatekeeper-suite/* w,
}}
"
    )
}
