//! The verdicts that the kernel's programs remember of directories: none may outlive its truth. A directory that moves
//! by rename or by mount, one that takes another's place, and a changed policy are judged anew at once. Each part
//! first lets the programs remember an open directory, then changes the world.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use gatekeeper::protocol::client::ask;
use gatekeeper::protocol::messages::Request;

use crate::actor::Actor;
use crate::daemon::SOCKET;
use crate::fixtures;
use crate::policies::{elements, fill, policy};
use crate::runner::Test;
use crate::world::{User, World};

/// Two file systems: what they do with the numbers of what is gone differs.
const ROOTS: [&str; 2] = ["/srv/suite/remembered", "/tmp/gatekeeper-remembered"];
/// Directories that take another's place.
const ROUNDS: usize = 100;

pub fn tests() -> Vec<Test> {
    vec![Test::new("unresolved::directories_remembered", remembered)]
}

fn write_policy(world: &World, open: &[String]) -> Result<()> {
    world.policy("remembered", &fill(policy!("remembered"), &[("OPEN", &elements(open))]))
}

fn remembered(world: &World) -> Result<()> {
    let open: Vec<String> = ROOTS.iter().map(|root| format!("{root}/open/**")).collect();
    write_policy(world, &open)?;
    let mut session = world.session("remembered")?;
    for root in ROOTS {
        ["", "/open", "/shut"].iter().try_for_each(|name| fixtures::folder(&format!("{root}{name}")))?;
        renamed(&mut session, root)?;
        renamed_above(&mut session, root)?;
        replaced(&mut session, root)?;
        mounted(&mut session, root)?;
    }
    let file = format!("{}/open/policy/file", ROOTS[0]);
    meet(&mut session, &format!("{}/open/policy", ROOTS[0]))?;
    write_policy(world, &open[1..])?;
    ask(Path::new(SOCKET), Request::Reload {})?.try_for_each(|answer| answer.map(drop))?;
    session.must_not("read", &[&file])?;
    world.free(User::Dev)?.must("read", &[&file])?;
    ROOTS.iter().try_for_each(|root| fs::remove_dir_all(root).with_context(|| root.to_string()))
}

/// A directory with a file, met twice.
fn meet(actor: &mut Actor, path: &str) -> Result<()> {
    fs::create_dir_all(path).context(path.to_owned())?;
    let file = format!("{path}/file");
    fixtures::file(&file)?;
    for _ in 0..2 {
        actor.must("read", &[&file])?;
    }
    Ok(())
}

fn renamed(actor: &mut Actor, root: &str) -> Result<()> {
    let [first, shut, secret, last] =
        ["open/a", "shut/a", "open/secret", "open/b"].map(|name| format!("{root}/{name}"));
    meet(actor, &first)?;
    fs::rename(&first, &shut)?;
    actor.must_not("read", &[format!("{shut}/file")])?;
    fs::rename(&shut, &secret)?;
    actor.must_not("read", &[format!("{secret}/file")])?;
    fs::rename(&secret, &last)?;
    actor.must("read", &[format!("{last}/file")]).map(drop)
}

fn renamed_above(actor: &mut Actor, root: &str) -> Result<()> {
    meet(actor, &format!("{root}/open/c/d/e"))?;
    fs::rename(format!("{root}/open/c"), format!("{root}/shut/c"))?;
    actor.must_not("read", &[format!("{root}/shut/c/d/e/file")])
}

/// The next directory made often gets the inode number, and the memory, of the last one removed.
fn replaced(actor: &mut Actor, root: &str) -> Result<()> {
    let mut same = 0;
    for round in 0..ROUNDS {
        let (old, new) = (format!("{root}/open/r{round}"), format!("{root}/shut/r{round}"));
        meet(actor, &old)?;
        let number = fs::metadata(&old)?.ino();
        fs::remove_dir_all(&old)?;
        fs::create_dir(&new)?;
        fixtures::file(&format!("{new}/file"))?;
        same += u32::from(fs::metadata(&new)?.ino() == number);
        actor.must_not("read", &[format!("{new}/file")])?;
    }
    println!("  {root}: {same} of {ROUNDS} directories got the number of the one before");
    Ok(())
}

fn mounted(actor: &mut Actor, root: &str) -> Result<()> {
    let run = |words: &[&str]| -> Result<()> {
        let status = Command::new(words[0]).args(&words[1..]).status()?;
        ensure!(status.success(), "{words:?} ended with {status}");
        Ok(())
    };
    let (from, to) = (format!("{root}/open/m"), format!("{root}/shut/m"));
    // A try that failed half-way left them there.
    for path in [&from, &to] {
        let _ = Command::new("umount").args(["-l", path]).stderr(Stdio::null()).status();
        fixtures::folder(path)?;
    }
    run(&["mount", "-t", "tmpfs", "none", &from])?;
    meet(actor, &format!("{from}/in"))?;
    run(&["mount", "--move", &from, &to])?;
    actor.must_not("read", &[format!("{to}/in/file")])?;
    run(&["mount", "--bind", &format!("{to}/in"), &from])?;
    actor.must("read", &[format!("{from}/file")])?;
    actor.must_not("read", &[format!("{to}/in/file")])?;
    [&from, &to].iter().try_for_each(|path| run(&["umount", path]))
}
