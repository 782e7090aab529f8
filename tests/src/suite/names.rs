//! Names of what a rule shuts: neither the file nor a folder above it takes another one, and no link takes its place.

use std::fs;

use anyhow::{Result, ensure};

use crate::events::Denial;
use crate::failure::must_not_pass;
use crate::fixtures::{self, OPEN, REASON};
use crate::policies::{fill, policy};
use crate::runner::Test;
use crate::world::{User, World};

pub fn tests() -> Vec<Test> {
    vec![Test::new("names::stay", stay), Test::new("names::of_others_change", others)]
}

/// The folder of both tests.
const HERE: &str = "/srv/suite/open/names";

/// Ways to give the content another name, or the name other content. The first path must not change.
const WAYS: [(&str, &str, &str); 6] = [
    ("rename", "tree/leaf/kept", "tree/leaf/other"),
    ("rename", "tree/leaf", "tree/other"),
    ("rename", "tree", "other"),
    ("rename", ".tool/hooks", ".tool/other"),
    ("rename", ".tool", "tool"),
    ("rename", "mine", ".tool"),
];

fn prepare(world: &World) -> Result<()> {
    world.policy("names", &fill(policy!("names"), &[("OPEN", OPEN), ("REASON", REASON)]))?;
    for folder in ["", "/tree", "/tree/leaf", "/.tool", "/.tool/hooks", "/mine", "/mine/hooks", "/free"] {
        fixtures::folder(&format!("{HERE}{folder}"))?;
    }
    for file in ["tree/leaf/kept", ".tool/hooks/run", "mine/hooks/run", "free/file"] {
        fixtures::file(&format!("{HERE}/{file}"))?;
    }
    Ok(())
}

fn stay(world: &World) -> Result<()> {
    let at = |name: &str| format!("{HERE}/{name}");
    for (verb, from, to) in WAYS {
        // Outside, and with nothing in the way where the new name is a folder's.
        prepare(world)?;
        if fs::metadata(at(to)).is_ok() {
            fs::remove_dir_all(at(to))?;
        }
        let done = world.free(User::Dev)?.act(verb, &[at(from), at(to)])?;
        ensure!(
            done.is_ok() && fs::metadata(at(to)).is_ok(),
            "outside any session, {from} to {to}: {done:?}"
        );

        prepare(world)?;
        if fs::metadata(at(to)).is_ok() {
            fs::remove_dir_all(at(to))?;
        }
        let mut session = world.session("names")?;
        let done = session.act(verb, &[at(from), at(to)])?;
        let kept = fs::metadata(at(from)).is_ok() && fs::metadata(at(to)).is_err();
        must_not_pass(done == Err(libc::EPERM) && kept, format!("{from} to {to} came to {done:?}"))?;
        let object = if from == "mine" { at(to) } else { at(from) };
        world.expect(&session.id, &[Denial::of("rename", object, REASON)])?;
    }
    // A link where a folder is missing leads to a file that no rule knows.
    for name in [".tool", ".tool/hooks"] {
        prepare(world)?;
        fs::remove_dir_all(at(name))?;
        let done = world.free(User::Dev)?.act("symlink", &[at("mine"), at(name)])?;
        ensure!(done.is_ok(), "outside any session, a link at {name}: {done:?}");
        fs::remove_file(at(name))?;
        let done = world.session("names")?.act("symlink", &[at("mine"), at(name)])?;
        must_not_pass(
            done == Err(libc::EPERM) && fs::symlink_metadata(at(name)).is_err(),
            format!("a link at {name} came to {done:?}"),
        )?;
    }
    Ok(())
}

fn others(world: &World) -> Result<()> {
    let at = |name: &str| format!("{HERE}/{name}");
    prepare(world)?;
    let mut session = world.session("names")?;
    for (verb, from, to) in [
        ("rename", "free/file", "tree/file"),
        ("rename", "free", "tree/free"),
        ("symlink", "mine", "link"),
        ("symlink", "mine", ".tool/link"),
    ] {
        let done = session.act(verb, &[at(from), at(to)])?;
        ensure!(done.is_ok(), "{verb} {from} {to} came to {done:?}");
    }
    let done = session.act("make-folder", &[at("tree/leaf/more")])?;
    ensure!(done.is_ok(), "making a folder came to {done:?}");
    world.expect_no_other(&session.id, &[])
}
