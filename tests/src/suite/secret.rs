//! A secret, and the ways people have found round a check on its name.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Context, Result, ensure};

use crate::acts::Done;
use crate::events::Denial;
use crate::fixtures::{self, OPEN, REASON};
use crate::runner::Test;
use crate::world::{User, World};

/// The folder and the name of what is shut; a copy of it is open.
const FOLDER: &str = "/home/dev/.ssh";
const NAME: &str = "id_ed25519";

/// A way to read a file: the verb and its arguments from the folder and the name.
struct Way {
    name: &'static str,
    verb: &'static str,
    arguments: fn(&str, &str) -> Vec<String>,
}

const WAYS: &[Way] = &[
    way("open", "read", |at, name| vec![format!("{at}/{name}")]),
    way("cat", "run", |at, name| vec!["/usr/bin/cat".into(), format!("{at}/{name}")]),
    way("python", "run", |at, name| {
        let program = format!("print(open('{at}/{name}').read())");
        vec!["/usr/bin/python3".into(), "-S".into(), "-c".into(), program]
    }),
    way("shell", "run", |at, name| {
        vec!["/usr/bin/bash".into(), "-c".into(), format!("echo \"$(<{at}/{name})\"")]
    }),
    way("relative", "run", |at, name| {
        vec!["/usr/bin/env".into(), "-C".into(), at.into(), "/usr/bin/cat".into(), format!("./{name}")]
    }),
    way("dots", "read", |at, name| vec![format!("{at}/../../{}/{name}", at.trim_start_matches("/home/"))]),
    way("symlink", "read", |at, _| vec![link(at)]),
    way("process_root", "read", |at, name| vec![format!("/proc/self/root{at}/{name}")]),
    way("descriptor_of_the_folder", "read-at", |at, name| vec![at.into(), name.into()]),
    way("descriptor_through_proc", "read-through-descriptor", |at, name| vec![at.into(), name.into()]),
    way("child", "in-child", |at, name| vec!["read".into(), format!("{at}/{name}")]),
    way("orphan", "as-orphan", |at, name| vec!["read".into(), format!("{at}/{name}")]),
    way("thread", "in-thread", |at, name| vec!["read".into(), format!("{at}/{name}")]),
    way("thread_that_becomes_a_program", "run-from-thread", |at, name| {
        vec!["/usr/bin/cat".into(), format!("{at}/{name}")]
    }),
];

const fn way(name: &'static str, verb: &'static str, arguments: fn(&str, &str) -> Vec<String>) -> Way {
    Way { name, verb, arguments }
}

/// A link to the file, in a place that is open.
fn link(at: &str) -> String {
    format!("{OPEN}/secret-links/{}", at.replace('/', "-"))
}

pub fn tests() -> Vec<Test> {
    vec![Test::new("secret::every_way_to_read_it", every_way)]
}

fn every_way(world: &World) -> Result<()> {
    let key = fs::read_to_string(format!("{FOLDER}/{NAME}")).context("the developer's key")?;
    let open = format!("{OPEN}/secret/.ssh");
    fixtures::folder(&format!("{OPEN}/secret"))?;
    fixtures::folder(&open)?;
    fixtures::file_with(&format!("{open}/{NAME}"), key.as_bytes())?;
    fixtures::folder(&format!("{OPEN}/secret-links"))?;
    for at in [FOLDER, &open] {
        symlink(format!("{at}/{NAME}"), link(at)).context("linking")?;
    }
    // Some line of the key that nothing else would print.
    let line = key.lines().nth(1).context("a key of one line")?;
    let shows = |done: &Done| done.as_ref().is_ok_and(|bytes| String::from_utf8_lossy(bytes).contains(line));
    let mut free = world.free(User::Dev)?;
    let mut session = world.session("suite")?;
    let mut before = 0;
    for way in WAYS {
        let done = free.act(way.verb, &(way.arguments)(FOLDER, NAME))?;
        ensure!(shows(&done), "{}: outside any session it came to {done:?}", way.name);
        // `dots` goes by the home folder's name.
        if way.name != "dots" {
            let done = session.act(way.verb, &(way.arguments)(&open, NAME))?;
            ensure!(shows(&done), "{}: where it is allowed it came to {done:?}", way.name);
        }
        let done = session.act(way.verb, &(way.arguments)(FOLDER, NAME))?;
        refused(way, &done, &key)?;
        let events = world.events(&session.id)?;
        let fresh = events.iter().skip(before).filter(|event| event["passed"] == false);
        ensure!(
            fresh.clone().count() == 1,
            "{}: refused {:?}",
            way.name,
            fresh.map(crate::events::brief).collect::<Vec<_>>()
        );
        before = events.len();
    }
    let denial = [Denial::of("read", format!("{FOLDER}/{NAME}"), REASON)];
    world.expect(&session.id, &denial)?;
    world.expect_no_other(&session.id, &denial)
}

/// An act failed with EPERM, or a program ended badly and showed nothing of the key.
fn refused(way: &Way, done: &Done, key: &str) -> Result<()> {
    match done {
        Err(errno) => ensure!(*errno == libc::EPERM, "{}: errno {errno}", way.name),
        Ok(output) => {
            let output = String::from_utf8_lossy(output);
            ensure!(way.verb.starts_with("run"), "{}: it passed", way.name);
            ensure!(output.contains("Operation not permitted"), "{}: {output}", way.name);
            let leak = key.lines().filter(|line| !line.is_empty()).find(|line| output.contains(line));
            ensure!(leak.is_none(), "{}: it showed {leak:?}", way.name);
        }
    }
    Ok(())
}
