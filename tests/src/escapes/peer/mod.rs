//! Other tools in gatekeeper's place, each with settings as near to `policy.toml` as it can express: the workspace and
//! temporary files to write, installed software to read, programs of the list to run where the tool knows such lists,
//! no network (one server's address and port is more than any of them can say; Landlock knows the port), no
//! capability that the policy does not let. docs/escapes.md lists what is left over.

mod apparmor;
mod landlock;

use std::process::Command;

use anyhow::{Result, bail};

use super::KIT;
use super::worker::{PROGRAM, Worker};
use crate::world::User;

pub use landlock::restrict;

/// Capabilities that the suite's policy lets root have.
const CAPABILITIES: [&str; 8] =
    ["chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid"];
/// Programs that may be run, in /usr/bin.
const TOOLS: [&str; 53] = [
    "[", "as", "bash", "cat", "cc", "chmod", "chown", "cp", "cut", "dash", "date", "dd", "dirname", "echo",
    "env", "false", "find", "gcc", "git", "grep", "head", "id", "install", "kill", "ld", "ln", "ls", "make",
    "mkdir", "mkfifo", "mv", "nice", "nohup", "od", "printf", "ps", "readlink", "rm", "rmdir", "sed",
    "setsid", "sleep", "sort", "stat", "tail", "tar", "tee", "test", "timeout", "touch", "true", "wc",
    "xargs",
];
/// First letters of the names of other programs.
const TOOLS_BEGIN: [&str; 5] = ["git-", "gcc-", "python3", "x86_64-linux-gnu-", "ld."];
/// The word that makes `inside` restrict itself.
pub const LANDLOCK: &str = "+landlock";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Bubblewrap,
    Firejail,
    Apparmor,
    Landlock,
}

impl Peer {
    /// The one to be measured, if any.
    pub fn wanted() -> Result<Option<Self>> {
        let Some(name) = std::env::var_os("GATEKEEPER_ESCAPES_AGAINST") else { return Ok(None) };
        let peer = match name.to_str() {
            Some("bubblewrap") => Self::Bubblewrap,
            Some("firejail") => Self::Firejail,
            Some("apparmor") => Self::Apparmor,
            Some("landlock") => Self::Landlock,
            _ => bail!("no peer is called {}", name.display()),
        };
        Ok(Some(peer))
    }

    /// Loads its policy, without which it confines nothing.
    pub fn prepare(self) -> Result<()> {
        if self == Self::Apparmor { apparmor::load() } else { Ok(()) }
    }

    /// The command that starts the attacks of a user of a worker.
    pub fn command(self, user: User, worker: &Worker) -> Command {
        let workspace = worker.path("work");
        let mut command = match self {
            Self::Bubblewrap => bubblewrap(user, worker),
            Self::Firejail => firejail(user, worker),
            Self::Apparmor => apparmor::command(),
            Self::Landlock => Command::new(PROGRAM),
        };
        command.args(["inside", if self == Self::Landlock { LANDLOCK } else { "-" }, &workspace]);
        command
    }
}

fn bubblewrap(user: User, worker: &Worker) -> Command {
    let mut command = Command::new("/usr/bin/bwrap");
    command.args(["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup"]);
    command.args(["--new-session", "--die-with-parent"]);
    // Root in a user namespace of its own could not touch a workspace of somebody else's.
    if user == User::Root {
        command.args(["--cap-drop", "ALL"]);
        for capability in CAPABILITIES {
            command.args(["--cap-add", &format!("CAP_{}", capability.to_uppercase())]);
        }
    } else {
        command.arg("--unshare-user").arg("--disable-userns");
    }
    for link in ["bin", "lib", "lib64", "sbin"] {
        command.args(["--symlink", &format!("usr/{link}"), &format!("/{link}")]);
    }
    for folder in ["/usr", "/etc"] {
        command.args(["--ro-bind", folder, folder]);
    }
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp"]);
    let (workspace, shown) = (worker.path("work"), worker.path("guarded/shown"));
    command.args(["--bind", &workspace, &workspace, "--ro-bind", KIT, KIT, "--ro-bind", &shown, &shown]);
    let settings = format!("{}/.gitconfig", user.home());
    command.args(["--ro-bind-try", &settings, &settings, "--chdir", &workspace, "--", PROGRAM]);
    command
}

fn firejail(user: User, worker: &Worker) -> Command {
    let mut command = Command::new("/usr/bin/firejail");
    command.args(["--quiet", "--noprofile", "--net=none", "--private", "--private-dev", "--private-tmp"]);
    command.args(["--nonewprivs", "--seccomp", "--protocol=unix", "--ipc-namespace", "--disable-mnt"]);
    command.args(["--dbus-user=none", "--dbus-system=none", "--blacklist=/run/gatekeeper"]);
    match user {
        User::Root => command.arg(format!("--caps.keep={}", CAPABILITIES.join(","))),
        _ => command.args(["--caps.drop=all", "--noroot"]),
    };
    let (workspace, shown) = (worker.path("work"), worker.path("guarded/shown"));
    for place in [workspace.as_str(), KIT, &shown] {
        command.arg(format!("--whitelist={place}"));
    }
    for place in ["/usr", "/etc", KIT, &shown] {
        command.arg(format!("--read-only={place}"));
    }
    command.args(["--", PROGRAM]);
    command
}
