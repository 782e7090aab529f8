//! Landlock, as its command-line tools set it up: what runs attacks restricts itself first.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};

use super::{KIT, PROGRAM, TOOLS, TOOLS_BEGIN};
use crate::escapes::outside::OPEN_PORT;

/// Restricts this process and all that it starts, as far as the running kernel can.
pub fn restrict(workspace: &Path) -> Result<()> {
    let abi = ABI::V6;
    let run: BitFlags<AccessFs> = AccessFs::Execute | AccessFs::ReadFile;
    let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    let device: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let own = AccessFs::from_all(abi)
        & !(AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev);
    let shown = workspace.with_file_name("guarded").join("shown");
    let mut places: Vec<(PathBuf, BitFlags<AccessFs>)> = vec![
        (workspace.to_owned(), own),
        ("/tmp".into(), own),
        ("/var/tmp".into(), own),
        ("/usr".into(), read),
        ("/usr/lib/git-core".into(), read | run),
        ("/usr/lib/gcc".into(), read | run),
        ("/etc".into(), read),
        ("/proc".into(), read),
        ("/dev/pts".into(), device),
        (shown, AccessFs::ReadFile.into()),
        (KIT.into(), read),
        (format!("{KIT}/kit").into(), run),
        (PROGRAM.into(), run),
        ("/lib64/ld-linux-x86-64.so.2".into(), run),
    ];
    for device_file in ["null", "zero", "full", "random", "urandom", "tty", "ptmx"] {
        places.push((format!("/dev/{device_file}").into(), device));
    }
    for home in ["/home/dev/.gitconfig", "/root/.gitconfig"] {
        places.push((home.into(), AccessFs::ReadFile.into()));
    }
    for tool in fs::read_dir("/usr/bin")?.flatten() {
        let name = tool.file_name();
        let name = name.to_string_lossy();
        if TOOLS.contains(&&*name) || TOOLS_BEGIN.iter().any(|begin| name.starts_with(begin)) {
            places.push((tool.path(), run));
        }
    }
    // Some are not there, or not to be seen by this user.
    let rules =
        places.iter().filter_map(|(place, access)| Some(PathBeneath::new(PathFd::new(place).ok()?, *access)));
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .add_rule(NetPort::new(OPEN_PORT, AccessNet::ConnectTcp))?
        .add_rules(rules.map(Ok::<_, RulesetError>))?;
    ruleset.restrict_self().context("restricting itself")?;
    ensure!(fs::read_dir("/srv").is_err(), "nothing is restricted");
    Ok(())
}
