//! Arguments and environment of programs: judged in the new program's memory, before its first instruction.

use std::path::Path;

use anyhow::{Result, bail, ensure};

use crate::events::Denial;
use crate::failure::must_not_pass;
use crate::fixtures::{self, OPEN, REASON};
use crate::policies::{fill, policy};
use crate::runner::Test;
use crate::session::Session;
use crate::world::{User, World};

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("exec::arguments", arguments),
        Test::new("exec::environment", environment),
        Test::new("exec::arguments_beyond_the_limit", beyond),
        Test::new("exec::arguments_that_decide_early", unread),
        Test::new("exec::names", names),
    ]
}

/// Creates a program that leaves a file behind, and a folder for it. Returns both paths.
fn lay(name: &str) -> Result<(String, String)> {
    let folder = format!("{OPEN}/{name}");
    fixtures::folder(&folder)?;
    let program = format!("{folder}/touch");
    fixtures::program("/usr/bin/touch", &program)?;
    Ok((program, folder))
}

/// Checks that a program fails with EPERM, or is killed before it has any effect.
fn must_not_run(session: &mut Session, words: &[&str], leaves: &str) -> Result<()> {
    match session.program(words)? {
        Err(libc::EPERM) => {}
        // A program in between (env) reports it.
        Ok((126, output)) if output.contains("Operation not permitted") => {}
        Ok((-1, output)) if output.is_empty() => {}
        other => bail!("{words:?} came to {other:?}"),
    }
    must_not_pass(!Path::new(leaves).exists(), format!("{words:?} left {leaves} behind"))?;
    Ok(())
}

fn arguments(world: &World) -> Result<()> {
    let (program, folder) = lay("arguments")?;
    let text = fill(policy!("arguments"), &[("PROGRAM", &program), ("REASON", REASON)]);
    world.policy("arguments", &text)?;
    let [open, shut, other] = ["open", "forbidden", "other"].map(|name| format!("{folder}/{name}"));
    world.free(User::Dev)?.must_run(&[&program, &shut])?;
    std::fs::remove_file(&shut)?;
    let mut session = world.session("arguments")?;
    session.must_run(&[&program, &open])?;
    ensure!(Path::new(&open).exists(), "where it is allowed it does nothing");
    must_not_run(&mut session, &[&program, &shut], &shut)?;
    must_not_run(&mut session, &[&program, &other, &shut], &other)?;
    must_not_run(&mut session, &["/usr/bin/env", &program, "-a", &shut, &other], &other)?;
    world.expect(&session.id, &[Denial::of("exec", program, REASON)])
}

fn environment(world: &World) -> Result<()> {
    let (program, folder) = lay("environment")?;
    let text = fill(policy!("environment"), &[("PROGRAM", &program), ("REASON", REASON)]);
    world.policy("environment", &text)?;
    let (open, shut) = (format!("{folder}/open"), format!("{folder}/shut"));
    let env = "/usr/bin/env";
    world.free(User::Dev)?.must_run(&[env, "SUITE_SHUT_IT=1", &program, &shut])?;
    std::fs::remove_file(&shut)?;
    let mut session = world.session("environment")?;
    session.must_run(&[env, "SUITE_OPEN=1", &program, &open])?;
    ensure!(Path::new(&open).exists(), "where it is allowed it does nothing");
    must_not_run(&mut session, &[env, "SUITE_SHUT_IT=1", &program, &shut], &shut)?;
    // Without a value, and behind many others.
    let many: Vec<String> = (0..200).map(|number| format!("SUITE_OPEN_{number}=x")).collect();
    let mut words = vec![env];
    words.extend(many.iter().map(String::as_str));
    words.extend(["SUITE_SHUT=", &program, &shut]);
    must_not_run(&mut session, &words, &shut)?;
    world.expect(&session.id, &[Denial::of("exec", program, REASON)])
}

/// Arguments beyond the limit are denied where they could decide, and only there.
fn beyond(world: &World) -> Result<()> {
    let (program, folder) = lay("arguments-beyond")?;
    world.policy("arguments-beyond", &fill(policy!("arguments-beyond"), &[("PROGRAM", &program)]))?;
    // Fifty names make more bytes than that.
    let names: Vec<String> = (0..50).map(|number| format!("{folder}/{}{number}", "x".repeat(90))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = |program| [&[program][..], &names].concat();
    world.free(User::Dev)?.must_run(&all(&program))?;
    names.iter().try_for_each(std::fs::remove_file)?;
    let mut session = world.session("arguments-beyond")?;
    session.must_run(&[&program, names[0]])?;
    std::fs::remove_file(names[0])?;
    // To a program of which no rule asks for its arguments any length is right.
    session.must_run(&all("/usr/bin/true"))?;
    must_not_run(&mut session, &all(&program), names[0])?;
    world.expect(&session.id, &[Denial::for_cause("exec", "arguments")])
}

/// Arguments that decide are looked at, and a megabyte behind them is not.
fn unread(world: &World) -> Result<()> {
    let folder = format!("{OPEN}/arguments-unread");
    fixtures::folder(&folder)?;
    let program = format!("{folder}/true");
    fixtures::program("/usr/bin/true", &program)?;
    let text = fill(policy!("arguments-unread"), &[("PROGRAM", &program), ("REASON", REASON)]);
    world.policy("arguments-unread", &text)?;
    let many = |program: &str, first: &str| {
        format!("import os\nos.execv('{program}', ['true', '{first}'] + ['x' * 100000] * 10)")
    };
    let python = "/usr/bin/python3";
    world.free(User::Dev)?.must_run(&[python, "-c", &many(&program, "forbidden")])?;
    let mut session = world.session("arguments-unread")?;
    session.must_run(&[python, "-c", &many(&program, "open")])?;
    let denied = session.program(&[python, "-c", &many(&program, "forbidden")])?;
    must_not_pass(!matches!(denied, Ok((0, _))), "it ran with forbidden arguments")?;
    session.must_run(&[python, "-c", &many(&program, "open")])?;
    world.expect(&session.id, &[Denial::of("exec", program, REASON)])
}

/// A program goes by the name that it is called by, where a rule gives one or lets it start with some arguments.
fn names(world: &World) -> Result<()> {
    let (program, folder) = lay("called")?;
    world.policy("called", &fill(policy!("called"), &[("PROGRAM", &program), ("REASON", REASON)]))?;
    let file = |name: &str| format!("{folder}/{name}");
    let called = |name: &str, program: &str, argument: &str| {
        ["/bin/bash".to_owned(), "-c".to_owned(), format!("exec -a {name} {program} {argument}")]
    };
    let shut = called("/x/forbidden", &program, &file("shut"));
    let shut = shut.each_ref().map(String::as_str);
    world.free(User::Dev)?.must_run(&shut)?;
    std::fs::remove_file(file("shut"))?;
    let mut session = world.session("called")?;
    session.must_run(&[&program, &file("open")])?;
    ensure!(Path::new(&file("open")).exists(), "where it is allowed it does nothing");
    must_not_run(&mut session, &shut, &file("shut"))?;
    let login = called("-forbidden", &program, &file("shut"));
    must_not_run(&mut session, &login.each_ref().map(String::as_str), &file("shut"))?;
    // A rule that lets a program start with some arguments is about the program by its own name.
    let uname = |name: &str| called(name, "/usr/bin/uname", "-s");
    for (name, passes) in [("uname", true), ("-uname", true), ("./bin/uname", true), ("arch", false)] {
        let ended = session.program(&uname(name).each_ref().map(String::as_str))?;
        let passed = matches!(&ended, Ok((0, output)) if output.trim() == "Linux");
        ensure!(passed == passes, "uname called {name} came to {ended:?}");
    }
    world.expect(&session.id, &[Denial::of("exec", program, REASON)])
}
