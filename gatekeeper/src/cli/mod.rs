//! The command line: one file a subcommand, no logic of its own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{Config, ConfigError};

mod audit;
mod canary;
mod completions;
mod console;
mod daemon;
mod doctor;
mod events;
mod holds;
mod hook;
mod label;
mod man;
mod output;
pub mod policy;
mod reload;
mod run;
mod sessions;
mod setup;
mod status;

/// Binds AI assistants to a policy, in the kernel.
#[derive(Debug, Parser)]
#[command(name = "gatekeeper", version, arg_required_else_help = true)]
pub struct Arguments {
    /// The configuration, instead of /etc/gatekeeper/gatekeeper.toml; unlike that one, it must be there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The daemon's control socket, instead of the configured one.
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a command in a session, bound to a policy.
    Run(run::Arguments),
    /// List open sessions.
    Sessions(sessions::Arguments),
    /// Show what sessions did and what was refused.
    Events(events::Arguments),
    /// List what waits for a decision.
    Holds(holds::List),
    /// Show one hold with all there is to know before deciding.
    Show(holds::Show),
    /// Let a hold pass.
    Approve(holds::Approve),
    /// Refuse a hold.
    Deny(holds::Deny),
    /// Watch sessions, and decide what waits, on the whole terminal.
    Console,
    /// Inside a session: what was refused, and why.
    Why(holds::Why),
    /// Verify, prove and search the record of what happened.
    Audit(audit::Arguments),
    /// Show whether the kernel enforces, hook by hook.
    Status(status::Arguments),
    /// Tell what an assistant does, and answer it: its hooks start this.
    Hook(hook::Arguments),
    /// Put gatekeeper's hooks into an assistant's configuration, or take them back.
    Setup(setup::Arguments),
    /// Look at policies without enforcing them.
    Policy(policy::PolicyArgs),
    /// Check this machine, and say what to change.
    Doctor(doctor::Arguments),
    /// Bind a cgroup that is already there, with all that runs in it (root).
    Label(label::Arguments),
    /// Compile the policies of all open sessions anew (root).
    Reload(reload::Arguments),
    /// Run the daemon in the foreground (root).
    Daemon(daemon::Arguments),
    /// Prove the hooks: the daemon starts this.
    #[command(hide = true)]
    Canary(canary::Arguments),
    /// Print completions for a shell.
    Completions(completions::Arguments),
    /// Print a manual page.
    Man(man::Arguments),
}

/// Parses the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // `run` has exit codes of its own: whatever stops it, the command did not start.
    let failure = if matches!(arguments.command, Command::Run(_)) { run::REFUSED } else { 1 };
    match arguments.act() {
        Ok(code) => code,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::from(failure)
        }
    }
}

impl Arguments {
    fn act(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Daemon(arguments) => daemon::run(self.config.as_deref(), self.socket, &arguments),
            Command::Policy(arguments) => policy::run(client_config(self.config.as_deref())?, arguments),
            Command::Setup(arguments) => setup::run(&arguments),
            Command::Canary(arguments) => canary::run(&arguments),
            Command::Completions(arguments) => completions::run(&arguments, &mut Self::command()),
            Command::Man(arguments) => man::run(&arguments, Self::command()),
            command => {
                let mut config = client_config(self.config.as_deref())?;
                if let Some(socket) = self.socket {
                    config.socket = socket;
                }
                match command {
                    Command::Run(arguments) => run::run(&config, arguments),
                    Command::Holds(arguments) => holds::list(&config, &arguments),
                    Command::Show(arguments) => holds::show(&config, &arguments),
                    Command::Approve(arguments) => holds::approve(&config, arguments),
                    Command::Deny(arguments) => holds::deny(&config, arguments),
                    Command::Why(arguments) => holds::why(&config, &arguments),
                    Command::Console => console::run(&config),
                    Command::Sessions(arguments) => sessions::run(&config, &arguments),
                    Command::Events(arguments) => events::run(&config, &arguments),
                    Command::Audit(arguments) => audit::run(&config, &arguments),
                    Command::Hook(arguments) => hook::run(&config, &arguments),
                    Command::Status(arguments) => status::run(&config, &arguments),
                    Command::Doctor(arguments) => doctor::run(&config, &arguments),
                    Command::Label(arguments) => label::run(&config, arguments),
                    Command::Reload(arguments) => reload::run(&config, &arguments),
                    Command::Daemon(_)
                    | Command::Policy(_)
                    | Command::Setup(_)
                    | Command::Canary(_)
                    | Command::Completions(_)
                    | Command::Man(_) => Ok(ExitCode::SUCCESS),
                }
            }
        }
    }
}

/// The configuration as far as a client needs it. Inside a session the file may be out of reach.
fn client_config(named: Option<&Path>) -> anyhow::Result<Config> {
    match Config::load(named) {
        Err(ConfigError::Read { source, .. }) if source.kind() == std::io::ErrorKind::PermissionDenied => {
            Ok(Config::default())
        }
        loaded => Ok(loaded?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_question_can_be_asked() {
        for question in [
            "exec --env LANG --setuid /bin/ls -l",
            "file /etc/passwd read write",
            "net 10.0.0.1:80 --operation listen --protocol udp",
            "unix /run/x.sock",
            "unix @name bind",
            "signal RTMIN+1 /bin/sh",
            "capability chown",
        ] {
            let words = ["gatekeeper", "policy", "explain", "base"].into_iter().chain(question.split(' '));
            assert!(matches!(Arguments::parse_from(words).command, Command::Policy(_)), "{question}");
        }
        for question in ["unix /run/x.sock listen", "file /etc/passwd", "net 10.0.0.1:80 --operation read"] {
            let words = ["gatekeeper", "policy", "explain", "base"].into_iter().chain(question.split(' '));
            assert!(Arguments::try_parse_from(words).is_err(), "{question}");
        }
    }

    #[test]
    fn options_after_the_command_are_the_commands() {
        let parsed =
            Arguments::try_parse_from(["gatekeeper", "run", "--policy", "base", "--", "ls", "--color", "-l"]);
        let Command::Run(run) = parsed.unwrap().command else { panic!("not a run") };
        assert_eq!(run.command(), ["ls", "--color", "-l"]);
    }
}
