//! `gatekeeper audit`: the record of what happened, read from the trail's folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::config::Config;
use gatekeeper_trail::log::folder::{CHECKPOINTS, HEADS, PUBLIC_KEY, segments};
use gatekeeper_trail::log::open::FOLDER;
use gatekeeper_trail::log::signed_note::Verifier;

mod export;
mod play;
mod prove;
mod search;
mod session;
mod show;
mod stats;
mod verify;

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The trail's folder: this machine's (for root), or a copy from another.
    #[arg(long, global = true, value_name = "DIR")]
    trail: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether the trail is whole, or which record was changed, removed, added or put elsewhere.
    Verify(verify::Arguments),
    /// Prove a record to somebody who has only the public key.
    Prove(prove::Arguments),
    /// Find records.
    Search(search::Arguments),
    /// Show one record whole.
    Show(show::Arguments),
    /// Tell the story of a session: its processes as a tree, what each did, what was refused.
    Session(session::Arguments),
    /// Show the terminal of a session as it was, where that was recorded.
    Play(play::Arguments),
    /// Count records.
    Stats(stats::Arguments),
    /// Write records for analysis, as JSON Lines or as Parquet.
    Export(export::Arguments),
    /// Write the story of a session as a page to look at.
    Report(session::Report),
}

/// Runs the subcommand.
///
/// # Errors
/// Where the trail can't be used, and the errors of the subcommands.
pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = arguments.trail.clone().unwrap_or_else(|| config.state.join(FOLDER));
    if let Command::Verify(arguments) = &arguments.command
        && arguments.needs_no_trail()
    {
        return verify::run(&folder, arguments);
    }
    check(&folder)?;
    match &arguments.command {
        Command::Verify(arguments) => verify::run(&folder, arguments),
        Command::Prove(arguments) => prove::run(&folder, arguments),
        Command::Search(arguments) => search::run(&folder, arguments),
        Command::Show(arguments) => show::run(&folder, arguments),
        Command::Session(arguments) => session::run(&folder, arguments),
        Command::Play(arguments) => play::run(&folder, arguments),
        Command::Stats(arguments) => stats::run(&folder, arguments),
        Command::Export(arguments) => export::run(&folder, arguments),
        Command::Report(arguments) => session::report(&folder, arguments),
    }
}

/// One clear word where there is no trail, or none for this user.
fn check(folder: &Path) -> anyhow::Result<()> {
    match fs::read_dir(folder) {
        Ok(_) if is_trail(folder)? => Ok(()),
        Ok(_) => {
            let inside = folder.join(FOLDER);
            let name = if is_trail(&inside).unwrap_or(false) {
                format!("--trail {}", inside.display())
            } else {
                format!("the one with {PUBLIC_KEY} and the records in it")
            };
            bail!("{}: this folder holds no trail: name {name}", folder.display())
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => bail!(
            "{}: only root can read the trail\n  try `sudo gatekeeper audit …`; `gatekeeper events` shows what concerns you",
            folder.display()
        ),
        Err(error) => bail!(
            "{}: {error}\n  the daemon makes the trail at its first start; for a copy, say where: --trail DIR",
            folder.display()
        ),
    }
}

/// Whether anything of a trail's lies there. Of one whose records are all gone, the rest does.
fn is_trail(folder: &Path) -> std::io::Result<bool> {
    Ok(!segments(folder)?.is_empty()
        || [PUBLIC_KEY, CHECKPOINTS, HEADS].iter().any(|name| folder.join(name).exists()))
}

/// A public key: the text itself, or a file that holds it.
fn key(argument: &str) -> anyhow::Result<Verifier> {
    let text = if argument.contains('+') && !Path::new(argument).exists() {
        argument.to_owned()
    } else {
        fs::read_to_string(argument).with_context(|| argument.to_owned())?
    };
    Verifier::parse(&text).with_context(|| argument.to_owned())
}

/// The key given, or the one that lies in the folder.
fn key_or_lying(folder: &Path, argument: Option<&str>) -> anyhow::Result<Verifier> {
    match argument {
        Some(argument) => key(argument),
        None => key(&folder.join(PUBLIC_KEY).to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;
    use gatekeeper_trail::log::writer::Log;

    #[test]
    fn a_folder_without_a_trail_is_named_and_left_alone() {
        let config = Config::default();
        let ask = |folder: &Path, words: &[&str]| {
            let folder = folder.display().to_string();
            let words = ["audit", "--trail", &folder].into_iter().chain(words.iter().copied());
            let matches =
                Arguments::augment_args(clap::Command::new("audit")).try_get_matches_from(words).unwrap();
            run(&config, &Arguments::from_arg_matches(&matches).unwrap())
        };
        let folder = tempfile::tempdir().unwrap();
        for words in
            [&["search"][..], &["stats"], &["verify"], &["show", "1"], &["export", "--format", "jsonl"]]
        {
            let error = ask(folder.path(), words).unwrap_err().to_string();
            assert!(
                error.contains("this folder holds no trail") && !error.contains('\n'),
                "{words:?}: {error}"
            );
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{words:?}");
        }
        let log = Log::open(folder.path(), "box", "b", Config::default().trail).unwrap();
        drop(log);
        let error = ask(folder.path(), &["search"]).unwrap_err().to_string();
        let inside = folder.path().join(FOLDER);
        assert!(error.ends_with(&format!("name --trail {}", inside.display())), "{error}");
        // All its records are gone: that is for `verify` to say.
        assert!(ask(&inside, &["search", "--text", "what nobody said"]).is_ok());
        for segment in segments(&inside).unwrap() {
            fs::remove_file(segment.path(&inside)).unwrap();
        }
        assert!(check(&inside).is_ok());
    }
}
