//! `gatekeeper run`: from here on the kernel decides.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

mod pty_proxy;
mod record;

use super::output::{complain, escaped};
use crate::config::Config;
use crate::daemon::session::request::{COMMAND, COMMAND_WORDS};
use crate::protocol::bounds::Seconds;
use crate::protocol::client::ask;
use crate::protocol::messages::{Answer, PolicyChoice, Request, Run};
use crate::sys::fd;
use gatekeeper_policy::is_policy_name;
use gatekeeper_record::session_id::SessionId;

/// The exit status where the command was not started, as env(1) has it.
pub const REFUSED: u8 = 125;
/// The exit status where the command is there and can't be started.
const NOT_STARTED: u8 = 126;
/// The exit status where the command is not there.
const NOT_FOUND: u8 = 127;
/// The first descriptor that is not one of the three every program has.
const FIRST_EXTRA: i32 = 3;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The policy: a name from the policy directories, or a file of your own (with a / or ending in .toml),
    /// which can only narrow the default one.
    #[arg(long, short, value_name = "NAME|FILE")]
    policy: Option<String>,
    /// The value of ${workspace} in the policy; the current directory where left out.
    #[arg(long, short, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// The session's purpose, for people.
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// A short name for the session.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// End the session after this time, and kill what runs in it then: `45m`, `2h`, `1h30m`; at most
    /// `7days`. The configuration may say less.
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<Seconds>,
    /// Take down what is seen on the terminal, for `gatekeeper audit play`. What is typed is not taken down, but for
    /// what the command shows of it.
    #[arg(long)]
    record: bool,
    /// Ask here, on this terminal, about what waits for a decision; the session waits meanwhile, and neither sees the
    /// question nor can answer it.
    #[arg(long)]
    prompt: bool,
    /// For `--record` and `--prompt` themselves.
    #[arg(long, hide = true, conflicts_with_all = ["record", "prompt"])]
    kept: bool,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    command: Vec<OsString>,
}

#[cfg(test)]
impl Arguments {
    pub(super) fn command(&self) -> &[OsString] {
        &self.command
    }
}

/// Opens a session and becomes the command.
///
/// # Errors
/// Where the policy or the workspace can't be read, the daemon does not answer or refuses, or the terminal fails.
pub fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let wish = pty_proxy::Wish { record: arguments.record, prompt: arguments.prompt };
    if wish.record || wish.prompt {
        let words = std::env::args_os().skip(1).collect();
        return pty_proxy::run(config, &again(words, arguments.command.len()), wish);
    }
    let request = Request::Run(Run {
        policy: arguments.policy.as_deref().map(choice).transpose()?,
        workspace: workspace(arguments.workspace.as_deref())?,
        purpose: arguments.purpose,
        name: arguments.name,
        seconds: arguments.lasts,
        command: shortened(&arguments.command),
    });
    let [program, rest @ ..] = arguments.command.as_slice() else { bail!("no command is given") };
    let mut command = Command::new(program);
    command.args(rest);
    let session = open(config, request)?;

    if arguments.kept {
        pty_proxy::wait_for_leave(session)?;
    }
    // From here on this process is bound: it opens nothing, and starts one program or none.
    fd::close_from(FIRST_EXTRA).context("closing what is open")?;
    let error = command.exec();
    Ok(report(&error, program, session))
}

/// The same words for the process that opens the session and becomes the command, which are the last of them.
fn again(words: Vec<OsString>, command: usize) -> Vec<OsString> {
    let own = words.len().saturating_sub(command);
    let (mut again, mut done) = (Vec::new(), false);
    for (at, word) in words.into_iter().enumerate() {
        // None of our own options has a value that looks like one of these.
        let flag = at < own && (word == "--record" || word == "--prompt");
        match (flag, done) {
            (true, false) => again.push("--kept".into()),
            (true, true) => {}
            (false, _) => again.push(word),
        }
        done |= flag;
    }
    again
}

/// The command as the record shows it: an endless one is cut.
fn shortened(command: &[OsString]) -> Vec<String> {
    let mut left = COMMAND;
    let short = |word: &OsString| {
        let word = word.to_string_lossy();
        let word = word.get(..word.floor_char_boundary(left)).unwrap_or_default().to_owned();
        left -= word.len();
        word
    };
    command.iter().take(COMMAND_WORDS).map(short).collect()
}

/// Asks the daemon to take this process into a new session. The connection is closed when this returns.
fn open(config: &Config, request: Request) -> anyhow::Result<SessionId> {
    let mut opened = None;
    for answer in ask(&config.socket, request)? {
        if let Answer::Opened { session, .. } = answer? {
            opened = Some(session);
        }
    }
    opened.context("the daemon did not say whether the session is open")
}

fn report(error: &io::Error, program: &OsString, session: SessionId) -> ExitCode {
    let name = escaped(&program.to_string_lossy());
    let code = if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_STARTED };
    let message = match error.raw_os_error() {
        Some(libc::EPERM) => {
            format!("{name}: the policy refuses to start it\n  why: `gatekeeper events --session {session}`")
        }
        _ => format!("{name}: {error}"),
    };
    complain(&anyhow::anyhow!(message));
    ExitCode::from(code)
}

/// The policy an argument means; a file is read here, with the caller's rights.
///
/// # Errors
/// Where the argument is no policy's name, or the file can't be read or is not UTF-8.
pub fn choice(argument: &str) -> anyhow::Result<PolicyChoice> {
    if !argument.contains('/') && argument.strip_suffix(".toml").is_none() {
        if !is_policy_name(argument) {
            bail!(
                "\"{}\" is not a policy's name; for a file, write ./{}",
                escaped(argument),
                escaped(argument)
            );
        }
        return Ok(PolicyChoice::Name(argument.to_owned()));
    }
    let bytes = std::fs::read(argument).with_context(|| format!("policy {argument}"))?;
    let text = gatekeeper_policy::source::text(argument, bytes)?;
    Ok(PolicyChoice::Text { file: argument.to_owned(), text })
}

/// The workspace an argument means, without symbolic links.
///
/// # Errors
/// Where there is no such directory, or its path is not UTF-8.
pub fn workspace(argument: Option<&Path>) -> anyhow::Result<PathBuf> {
    let path = argument.unwrap_or(Path::new("."));
    let real = path.canonicalize().with_context(|| format!("workspace {}", path.display()))?;
    if !real.is_dir() {
        bail!("workspace {} is not a directory", path.display());
    }
    if real.to_str().is_none() {
        bail!("the workspace's path {} is not UTF-8", real.display());
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_file_and_a_file_no_name() {
        assert_eq!(choice("base").unwrap(), PolicyChoice::Name("base".into()));
        assert!(choice("../base").unwrap_err().to_string().contains("../base"));
        assert!(choice("no name").is_err());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, "version = 1\n").unwrap();
        let found = choice(file.to_str().unwrap()).unwrap();
        assert!(matches!(found, PolicyChoice::Text { text, .. } if text == "version = 1\n"));
        std::fs::write(&file, b"version = 1\n\xff").unwrap();
        let error = choice(file.to_str().unwrap()).unwrap_err().to_string();
        assert!(error.contains("mine.toml:2:1: the byte 0xFF here is not UTF-8"), "{error}");
    }

    #[test]
    fn flags_of_the_command_stay_its_own() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let given = words("run --prompt --name x --record -- claude --prompt");
        assert_eq!(again(given, 2), words("run --kept --name x -- claude --prompt"));
        assert_eq!(again(words("run --record claude --record"), 2), words("run --kept claude --record"));
    }

    #[test]
    fn an_endless_command_is_cut() {
        let words = |text: &str| vec![OsString::from("echo"), OsString::from(text)];
        assert_eq!(shortened(&words("hello")), ["echo", "hello"]);
        let short = shortened(&words(&"é".repeat(5000)));
        assert!(short.concat().len() <= COMMAND && short[1].len() > COMMAND - 10, "{}", short[1].len());
    }

    #[test]
    fn the_workspace_is_real() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/usr", &link).unwrap();
        assert_eq!(workspace(Some(&link)).unwrap(), Path::new("/usr"));
        assert!(workspace(Some(Path::new("/etc/passwd"))).is_err());
    }
}
