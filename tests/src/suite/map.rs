//! Executable mappings: what makes a library, or a program that is not started but loaded.

use anyhow::Result;

use crate::events::Denial;
use crate::fixtures::{self, OPEN, PLAIN, REASON, SHUT};
use crate::runner::Test;
use crate::world::{User, World};

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("map::executable", |world| mapping(world, "map")),
        Test::new("map::made_executable_later", |world| mapping(world, "map-then-protect")),
        Test::new("map::executable_for_an_old_program", |world| mapping(world, "map-as-old-program")),
        Test::new("map::a_plain_one_is_a_read", plain),
    ]
}

fn lay(name: &str) -> Result<[String; 3]> {
    let paths = [OPEN, PLAIN, SHUT].map(|folder| format!("{folder}/{name}/file"));
    for path in &paths {
        fixtures::folder(path.trim_end_matches("/file"))?;
        fixtures::program("/usr/bin/uname", path)?;
    }
    Ok(paths)
}

fn mapping(world: &World, verb: &'static str) -> Result<()> {
    let [open, plain, shut] = lay(verb)?;
    world.free(User::Dev)?.must(verb, &[&plain])?;
    let mut session = world.session("suite")?;
    session.must(verb, &[&open])?;
    session.must_not(verb, &[&plain])?;
    // There not even the opening passes.
    session.must_not(verb, &[&shut])?;
    let denials = [Denial::of("map", plain, REASON), Denial::of("read", shut, REASON)];
    world.expect(&session.id, &denials)?;
    world.expect_no_other(&session.id, &denials)
}

fn plain(world: &World) -> Result<()> {
    let [_, plain, _] = lay("map-plain")?;
    let mut session = world.session("suite")?;
    session.must("map-plainly", &[&plain])?;
    world.expect_no_other(&session.id, &[])
}
