//! Doubt is a cause to deny: what is too deep, too long, or lies on no mount of the session's.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result, ensure};

use crate::acts::owned;
use crate::events::Denial;
use crate::fixtures::{self, CONTENT, OPEN, REASON, SHUT};
use crate::policies::{fill, policy};
use crate::runner::Test;
use crate::sys::{c, check};
use crate::world::{User, World};

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("unresolved::too_deep", deep),
        Test::new("unresolved::too_long", long),
        Test::new("unresolved::detached_mount", detached),
        Test::new("unresolved::removed_folder", removed),
        Test::new("unresolved::file_handle", handle),
    ]
}

/// The error of a system call, with its name.
fn sys<T>(what: &str, result: Result<T, i32>) -> Result<T> {
    result.map_err(std::io::Error::from_raw_os_error).with_context(|| what.to_owned())
}

fn open_folder(at: i32, name: &str) -> Result<OwnedFd> {
    let text = sys(name, c(name.as_bytes()))?;
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: the string ends in NUL.
    sys(name, check(unsafe { libc::openat(at, text.as_ptr(), flags) })).map(owned)
}

/// Makes folders within one another below `base`, one name after another, and a file in the last.
/// The names from the root.
fn dig(base: &str, names: &[String]) -> Result<Vec<String>> {
    fixtures::folder(base)?;
    let mut at = open_folder(libc::AT_FDCWD, base)?;
    let (last, folders) = names.split_last().context("nothing to dig")?;
    for name in folders {
        let text = sys(name, c(name.as_bytes()))?;
        // SAFETY: the string ends in NUL.
        sys(name, check(unsafe { libc::mkdirat(at.as_raw_fd(), text.as_ptr(), 0o755) }))?;
        at = open_folder(at.as_raw_fd(), name)?;
    }
    let text = sys(last, c(last.as_bytes()))?;
    let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC;
    // SAFETY: the string ends in NUL.
    let file = sys(last, check(unsafe { libc::openat(at.as_raw_fd(), text.as_ptr(), flags, 0o644) }))?;
    File::from(owned(file)).write_all(CONTENT.as_bytes()).context("writing")?;
    let above = base.split('/').filter(|name| !name.is_empty()).map(str::to_owned);
    Ok(above.chain(names.iter().cloned()).collect())
}

/// A file just within a limit is read in a session, and one just beyond it is not.
fn limit(world: &World, within: &[String], beyond: &[String], cause: &'static str) -> Result<()> {
    world.free(User::Dev)?.must("read-deep", beyond)?;
    let mut session = world.session("suite")?;
    let read = session.must("read-deep", within)?;
    ensure!(read == CONTENT.as_bytes(), "something else was read");
    session.must_not("read-deep", beyond)?;
    let denials = [Denial::for_cause("read", cause)];
    world.expect(&session.id, &denials)?;
    world.expect_no_other(&session.id, &denials)
}

fn deep(world: &World) -> Result<()> {
    let below = |base: &str, depth: usize| {
        let above = base.split('/').filter(|name| !name.is_empty()).count();
        dig(base, &vec!["d".to_owned(); depth - above])
    };
    let within = below(&format!("{OPEN}/deep-255"), 255)?;
    let beyond = below(&format!("{OPEN}/deep-256"), 256)?;
    let far = below(&format!("{OPEN}/deep-400"), 400)?;
    limit(world, &within, &beyond, "too_deep")?;
    limit(world, &within, &far, "too_deep")
}

fn long(world: &World) -> Result<()> {
    // Bytes of the whole path, with the slash it begins with.
    let below = |base: &str, bytes: usize| {
        let mut left = bytes - base.len();
        let mut names = Vec::new();
        while left > 0 {
            // Never leave a single byte, which would be a slash without a name.
            let name = if left > 202 { 200 } else { left - 1 };
            names.push("n".repeat(name));
            left -= name + 1;
        }
        dig(base, &names)
    };
    let within = below(&format!("{OPEN}/long-4096"), 4096)?;
    let beyond = below(&format!("{OPEN}/long-4097"), 4097)?;
    let far = below(&format!("{OPEN}/long-9000"), 9000)?;
    limit(world, &within, &beyond, "too_long")?;
    limit(world, &within, &far, "too_long")
}

/// A copy of a mount that hangs nowhere, handed in from outside: its paths lead to no root.
fn detached(world: &World) -> Result<()> {
    let folder = format!("{OPEN}/detached");
    fixtures::folder(&folder)?;
    fixtures::file(&format!("{folder}/file"))?;
    let tree = || -> Result<OwnedFd> {
        let text = sys("the folder", c(folder.as_bytes()))?;
        let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
        // SAFETY: the string ends in NUL.
        let made = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, text.as_ptr(), flags) };
        sys("open_tree", check(made)).map(owned)
    };
    let mut free = std::process::Command::new(fixtures::ACTOR);
    free.arg("actor").current_dir("/");
    let mut free = crate::actor::Actor::start(world, free, User::Dev, Some(File::from(tree()?).into()))?;
    free.must("read-at-stderr", &["file"])?;
    let mut session = world.session_of(User::Dev, "suite", "/", Some(tree()?))?;
    // By its name the very same file is open.
    session.must("read", &[format!("{folder}/file")])?;
    session.must_not("read-at-stderr", &["file"])?;
    world.expect(&session.id, &[Denial::for_cause("read", "detached")])
}

/// A working directory that is gone is judged by the name it had.
fn removed(world: &World) -> Result<()> {
    let folders = [OPEN, SHUT].map(|folder| format!("{folder}/removed"));
    folders.iter().try_for_each(|folder| fixtures::folder(folder))?;
    let [open, shut] = &folders;
    let mut free = world.free(User::Dev)?;
    let mut session = world.session("suite")?;
    let mut other = world.session("suite")?;
    free.must("enter", &[shut])?;
    session.must("enter", &[shut])?;
    other.must("enter", &[open])?;
    for folder in &folders {
        std::fs::remove_dir(folder).with_context(|| format!("removing {folder}"))?;
    }
    free.must("list", &["."])?;
    session.must_not("list", &["."])?;
    let object = world.events(&session.id)?.iter().rev().find_map(crate::events::object_of);
    ensure!(object.as_deref().is_some_and(|path| path.starts_with(shut.as_str())), "refused as {object:?}");
    world.expect(&session.id, &[Denial::of("read", object.unwrap_or_default(), REASON)])?;
    other
        .act("list", &["."])?
        .map_err(|errno| anyhow::anyhow!("in what was open it came to {errno}"))
        .map(drop)
}

/// A file that is opened by its number has the place it has; the folder of the handle's mount is open.
fn handle(world: &World) -> Result<()> {
    let files = [OPEN, SHUT].map(|folder| format!("{folder}/handle"));
    files.iter().try_for_each(|path| fixtures::file(path))?;
    let [open, shut] = &files;
    world.free(User::Root)?.must("read-by-handle", &[shut])?;
    let values = [("NAME", "handle"), ("FILE", shut), ("REASON", REASON)];
    world.policy("handle", &fill(policy!("allow-all-but-file"), &values))?;
    let mut session = world.session_of(User::Root, "handle", "/", None)?;
    let read = session.must("read-by-handle", &[open])?;
    ensure!(read == CONTENT.as_bytes(), "something else was read");
    session.must_not("read-by-handle", &[shut])?;
    let denials = [Denial::of("read", shut, REASON)];
    world.expect(&session.id, &denials)?;
    world.expect_no_other(&session.id, &denials)
}
